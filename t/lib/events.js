/*
 * events.js: are the events that were published what their schemas say? By
 * npm's ajv, which nobody here wrote. Voltgate::Events drives it.
 *
 *     events.js compile OUT FOLDER...     the schemas of these folders, made
 *                                         one program: ajv itself takes longer
 *                                         to start than most files publish
 *     events.js check OUT                 lines [type, payload] on standard
 *                                         input; a line for each complaint
 *
 * A member that a schema does not name is a mistake here: consumers take more
 * than they know, publishers tell no more than they say.
 */

'use strict';

const fs = require('fs');
const path = require('path');

const [what, program, ...folders] = process.argv.slice(2);
const named = (type) => type.replace(/\W/g, '_');
const isType = (file) => /\.v[0-9]+\.json$/.test(file);

// objects that say what they have, have nothing else
function closed(schema, whole) {
    const { properties, items } = schema;
    if (properties)
        for (const name of Object.keys(properties)) closed(properties[name], true);
    if (items) closed(items, true);
    if (whole && (properties || schema.$ref)) Object.assign(schema, { type: schema.type ?? 'object', unevaluatedProperties: false });
    return schema;
}

function compile() {
    const Ajv = require('ajv/dist/2020');
    const standalone = require('ajv/dist/standalone').default;
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, code: { source: true } });
    const names = {};

    require('ajv-formats')(ajv);
    ajv.addVocabulary(['x-audience']);
    for (const folder of folders) {
        for (const file of fs.readdirSync(folder).filter((f) => /^[^.].*\.json$/.test(f))) {
            const schema = JSON.parse(fs.readFileSync(path.join(folder, file)));
            // folders may have parts of one name
            schema.$id = `https://events.test/${folders.indexOf(folder)}/${file}`;
            ajv.addSchema(closed(schema, isType(file)));
            if (isType(file)) {
                const type = file.slice(0, -'.json'.length);
                // another version of it: either will do
                names[named(type) + '_'.repeat(1 + folders.indexOf(folder))] = schema.$id;
            }
        }
    }
    fs.writeFileSync(`${program}.${process.pid}`, standalone(ajv, names));
    fs.renameSync(`${program}.${process.pid}`, program);
}

function check() {
    const known = require(path.resolve(program));
    const told = {};

    for (const name of Object.keys(known)) (told[name.replace(/_+$/, '')] ??= []).push(known[name]);
    for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
        if (line === '') continue;
        const [type, payload] = JSON.parse(line);
        const schemas = told[named(type)];
        if (!schemas) {
            console.log(`${type} has no schema`);
        } else if (!schemas.some((fits) => fits(payload))) {
            const [first] = schemas[0].errors;
            const more = first.params.unevaluatedProperty ? ` (${first.params.unevaluatedProperty})` : '';
            console.log(`${type}${first.instancePath}: ${first.message}${more}: ${line.slice(0, 2000)}`);
        }
    }
}

({ compile, check })[what]();
