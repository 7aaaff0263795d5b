// The page's own script: a file, because the page allows no inline ones.
"use strict";

window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#calls",
    deepLinking: true,
    validatorUrl: null, // asks a server of its makers otherwise
    presets: [SwaggerUIBundle.presets.apis],
});
