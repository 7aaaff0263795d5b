-- What a house begins with: rules and templates, which it changes as its own.

create function notifications.ships(
    rule_name text, event_type text, condition jsonb, span jsonb, actions jsonb) returns void
language sql
begin atomic
    insert into notifications.rule (id, name, event_type, condition, span, actions, created_at, updated_at)
    values (vg.uuid7(), rule_name, event_type, condition, span, actions, now(), now());
end;

create function notifications.ships_template(
    name text, locale text, subject text, text text, html text, short text) returns void
language sql
begin atomic
    insert into notifications.template (id, name, locale, subject, text, html, short, created_at, updated_at)
    values (vg.uuid7(), name, locale, subject, text, html, short, now(), now());
end;

select notifications.ships(r.name, r.event_type, r.condition::jsonb, r.span::jsonb, r.actions::jsonb)
from (values
    ('Session started', 'charging.session.started.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "PUSH"], "template": "session.started", "priority": "LOW"}]'),
    ('Session completed', 'charging.session.completed.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "session.completed"}]'),
    ('Session failed', 'charging.session.failed.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "PUSH"], "template": "session.failed", "priority": "HIGH"}]'),
    ('Reservation created', 'reservation.created.v1', '{"field": "status", "op": "ne", "value": "WAITLISTED"}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL"], "template": "reservation.created"}]'),
    ('Reservation expiring', 'reservation.expiring.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "PUSH"], "template": "reservation.expiring", "priority": "HIGH"}]'),
    ('Reservation promoted', 'reservation.promoted.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "reservation.promoted", "priority": "HIGH"}]'),
    ('Parking reserved', 'parking.reserved.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL"], "template": "parking.reserved"}]'),
    ('Parking released', 'parking.released.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP"], "template": "parking.released", "priority": "LOW"}]'),
    ('Invoice created', 'invoice.created.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "invoice.created"}]'),
    ('Payment succeeded', 'payment.succeeded.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP"], "template": "payment.succeeded", "priority": "LOW"}]'),
    ('Payment failed', 'payment.failed.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "payment.failed", "priority": "HIGH"}]'),
    ('Credits low', 'credits.low.v1', '{}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "credits.low"}]'),
    ('Charge point faulted', 'connector.status_changed.v1', '{"field": "status", "op": "eq", "value": "Faulted"}', null,
        '[{"to": "OPERATOR", "channels": ["IN_APP", "EMAIL"], "template": "charge_point.faulted", "priority": "HIGH",
            "once": {"by": "chargePointId", "seconds": 900}},
          {"incident": {"by": "chargePointId", "severity": "HIGH", "escalation": {"seconds": 1800, "levels": 2, "to": "HOUSE",
            "channels": ["EMAIL"], "template": "incident.open", "priority": "CRITICAL"}}}]'),
    ('Login failures', 'login.failures.v1', '{}', null,
        '[{"to": "HOUSE", "channels": ["IN_APP", "EMAIL"], "template": "login.failures", "priority": "HIGH",
            "once": {"by": "userId", "seconds": 3600}}]'),
    ('Battery low', 'battery.low.v1', '{"field": "socPercent", "op": "lt", "value": 20}', null,
        '[{"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "PUSH"], "template": "battery.low", "priority": "HIGH",
            "once": {"by": "vehicleId", "seconds": 21600}}]'),
    ('Maintenance due', 'maintenance.due.v1', '{}', null,
        '[{"to": "COMPANY", "channels": ["IN_APP", "EMAIL"], "template": "maintenance.due"},
          {"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL"], "template": "maintenance.due"}]'),
    ('Maintenance overdue', 'maintenance.overdue.v1', '{}', null,
        '[{"to": "COMPANY", "channels": ["IN_APP", "EMAIL"], "template": "maintenance.overdue", "priority": "HIGH"},
          {"to": "CUSTOMER", "channels": ["IN_APP", "EMAIL", "SMS"], "template": "maintenance.overdue", "priority": "HIGH"}]'),
    ('Harsh driving', 'driver.behavior.alert.v1', '{}', null,
        '[{"to": "DRIVER", "channels": ["IN_APP", "PUSH"], "template": "driver.alert"}]'),
    ('Harsh driving, over 5 a day', 'driver.behavior.alert.v1', '{}',
        '{"seconds": 86400, "count": 6, "by": "driverId", "lateness": 7200}',
        '[{"to": "COMPANY", "channels": ["IN_APP", "EMAIL"], "template": "driver.alerts", "priority": "HIGH"}]'),
    ('Trip completed', 'trip.completed.v1', '{}', null,
        '[{"to": "DRIVER", "channels": ["IN_APP"], "template": "trip.completed", "priority": "LOW"}]')
) as r (name, event_type, condition, span, actions);

select notifications.ships_template(t.name, t.locale, t.subject, t.text, t.html, t.short)
from (values
    ('session.started', 'en', 'Charging has begun', 'Your charging session at {{chargePointId}} began at {{startTime|local}}.', null, null),
    ('session.started', 'de', 'Der Ladevorgang hat begonnen', 'Ihr Ladevorgang an {{chargePointId}} hat um {{startTime|local}} begonnen.', null, null),
    ('session.completed', 'en', 'Your charge: {{energyKwh}} kWh',
        'Hello{{#name}} {{name}}{{/name}},

you charged {{energyKwh}} kWh at {{chargePointId}}, until {{endTime|local}}.{{#costInclVat}}
It costs {{costInclVat|money}} {{currency}}, VAT included; the invoice follows.{{/costInclVat}}
',
        '<p>Hello{{#name}} {{name}}{{/name}},</p><p>you charged <b>{{energyKwh}} kWh</b> at {{chargePointId}}, until {{endTime|local}}.</p>{{#costInclVat}}<p>It costs <b>{{costInclVat|money}} {{currency}}</b>, VAT included; the invoice follows.</p>{{/costInclVat}}',
        'You charged {{energyKwh}} kWh{{#costInclVat}} for {{costInclVat|money}} {{currency}}{{/costInclVat}}.'),
    ('session.completed', 'de', 'Ihr Ladevorgang: {{energyKwh}} kWh',
        'Guten Tag{{#name}} {{name}}{{/name}},

Sie haben an {{chargePointId}} {{energyKwh}} kWh geladen, bis {{endTime|local}}.{{#costInclVat}}
Das kostet {{costInclVat|money}} {{currency}} einschließlich Mehrwertsteuer; die Rechnung folgt.{{/costInclVat}}
',
        '<p>Guten Tag{{#name}} {{name}}{{/name}},</p><p>Sie haben an {{chargePointId}} <b>{{energyKwh}} kWh</b> geladen, bis {{endTime|local}}.</p>{{#costInclVat}}<p>Das kostet <b>{{costInclVat|money}} {{currency}}</b> einschließlich Mehrwertsteuer; die Rechnung folgt.</p>{{/costInclVat}}',
        'Sie haben {{energyKwh}} kWh geladen{{#costInclVat}}, für {{costInclVat|money}} {{currency}}{{/costInclVat}}.'),
    ('session.failed', 'en', 'Charging did not begin', 'The charging session at {{chargePointId}} did not come about{{#failure}} ({{failure}}){{/failure}}. Nothing is charged for it.', null, null),
    ('session.failed', 'de', 'Der Ladevorgang begann nicht', 'Der Ladevorgang an {{chargePointId}} kam nicht zustande{{#failure}} ({{failure}}){{/failure}}. Er kostet nichts.', null, null),
    ('reservation.created', 'en', 'Reserved: {{chargePointId}}', 'Your place at {{chargePointId}} is reserved from {{startTime|local}} to {{endTime|local}}.', null, null),
    ('reservation.created', 'de', 'Reserviert: {{chargePointId}}', 'Ihr Platz an {{chargePointId}} ist von {{startTime|local}} bis {{endTime|local}} reserviert.', null, null),
    ('reservation.expiring', 'en', 'Your reservation is about to expire', 'Your place at {{chargePointId}} is kept until {{expiresAt|local}}.', null, null),
    ('reservation.expiring', 'de', 'Ihre Reservierung läuft ab', 'Ihr Platz an {{chargePointId}} wird bis {{expiresAt|local}} freigehalten.', null, null),
    ('reservation.promoted', 'en', 'A place is free for you', 'You have moved up: {{chargePointId}} is yours from {{startTime|local}} to {{endTime|local}}.', null, null),
    ('reservation.promoted', 'de', 'Ein Platz ist frei', 'Sie sind nachgerückt: {{chargePointId}} ist von {{startTime|local}} bis {{endTime|local}} Ihrer.', null, null),
    ('parking.reserved', 'en', 'Parking reserved', 'A place is reserved for you{{#slotUi}}: {{slotUi}}{{/slotUi}}.', null, null),
    ('parking.reserved', 'de', 'Parkplatz reserviert', 'Ein Parkplatz ist für Sie reserviert{{#slotUi}}: {{slotUi}}{{/slotUi}}.', null, null),
    ('parking.released', 'en', 'Parking released', 'Your parking place is free again.', null, null),
    ('parking.released', 'de', 'Parkplatz freigegeben', 'Ihr Parkplatz ist wieder frei.', null, null),
    ('invoice.created', 'en', 'Invoice {{number}}', 'Invoice {{number}} over {{total|money}} {{currency}} is there for you.', null, null),
    ('invoice.created', 'de', 'Rechnung {{number}}', 'Die Rechnung {{number}} über {{total|money}} {{currency}} liegt für Sie bereit.', null, null),
    ('payment.succeeded', 'en', 'Paid: {{amount|money}} {{currency}}', 'Your payment of {{amount|money}} {{currency}} has arrived. Thank you.', null, null),
    ('payment.succeeded', 'de', 'Bezahlt: {{amount|money}} {{currency}}', 'Ihre Zahlung von {{amount|money}} {{currency}} ist eingegangen. Vielen Dank.', null, null),
    ('payment.failed', 'en', 'A payment failed', 'Your payment of {{amount|money}} {{currency}} did not succeed. Please look at your payment method.', null, null),
    ('payment.failed', 'de', 'Eine Zahlung schlug fehl', 'Ihre Zahlung von {{amount|money}} {{currency}} ist fehlgeschlagen. Bitte prüfen Sie Ihr Zahlungsmittel.', null, null),
    ('credits.low', 'en', 'Your credit is low', 'You have {{balance|money}} {{currency}} left.', null, null),
    ('credits.low', 'de', 'Ihr Guthaben geht zur Neige', 'Ihr Guthaben beträgt noch {{balance|money}} {{currency}}.', null, null),
    ('charge_point.faulted', 'en', 'Fault at {{chargePointId}}', 'Connector {{connectorNumber}} of {{chargePointId}} reports {{errorCode}} since {{since|local}} (UTC).', null, null),
    ('charge_point.faulted', 'de', 'Störung an {{chargePointId}}', 'Anschluss {{connectorNumber}} von {{chargePointId}} meldet {{errorCode}} seit {{since|local}} (UTC).', null, null),
    ('incident.open', 'en', 'Nobody looks after: {{title}}', '{{title}} ({{severity}}), open since {{openedAt|local}} UTC, was acknowledged by nobody; escalation {{level}}.', null, null),
    ('login.failures', 'en', 'Logins fail', '{{count}} logins of the account {{userId}} failed since {{since|local}} UTC.', null, null),
    ('account.verify', 'en', 'Your code', 'Hello{{#name}} {{name}}{{/name}},

with this code you prove your address:

{{code}}

If you did not register, somebody else used your address; without the code nothing comes of it.
', null, null),
    ('account.verify', 'de', 'Ihr Code', 'Guten Tag{{#name}} {{name}}{{/name}},

mit diesem Code weisen Sie Ihre Adresse nach:

{{code}}

Haben Sie sich nicht angemeldet, so hat jemand anders Ihre Adresse benutzt; ohne den Code wird nichts daraus.
', null, null),
    ('account.known', 'en', 'You are registered already', 'Somebody, perhaps you, wanted to register with this address. It is registered already: log in, or ask for a new password.', null, null),
    ('account.known', 'de', 'Sie sind schon angemeldet', 'Jemand, vielleicht Sie, wollte sich mit dieser Adresse anmelden. Sie ist schon angemeldet: Melden Sie sich an, oder lassen Sie sich ein neues Passwort geben.', null, null),
    ('password.reset', 'en', 'A new password', 'Hello{{#name}} {{name}}{{/name}},

with this code you set a new password:

{{code}}

It belongs to the reset {{id}}. If you did not ask for it, do nothing: your password stays.
', null, null),
    ('password.reset', 'de', 'Ein neues Passwort', 'Guten Tag{{#name}} {{name}}{{/name}},

mit diesem Code setzen Sie ein neues Passwort:

{{code}}

Er gehört zur Anforderung {{id}}. Haben Sie ihn nicht verlangt, so tun Sie nichts: Ihr Passwort bleibt.
', null, null),
    ('battery.low', 'en', 'Battery at {{socPercent}} %', 'The battery of your vehicle is at {{socPercent}} %.', null, null),
    ('battery.low', 'de', 'Batterie bei {{socPercent}} %', 'Die Batterie Ihres Fahrzeugs steht bei {{socPercent}} %.', null, null),
    ('maintenance.due', 'en', 'Maintenance is due', 'Maintenance of the vehicle {{vehicleId}} is due.', null, null),
    ('maintenance.due', 'de', 'Wartung fällig', 'Die Wartung des Fahrzeugs {{vehicleId}} ist fällig.', null, null),
    ('maintenance.overdue', 'en', 'Maintenance is overdue', 'Maintenance of the vehicle {{vehicleId}} is overdue.', null, null),
    ('maintenance.overdue', 'de', 'Wartung überfällig', 'Die Wartung des Fahrzeugs {{vehicleId}} ist überfällig.', null, null),
    ('driver.alert', 'en', 'Please drive gently', 'Harsh driving was noticed.', null, null),
    ('driver.alert', 'de', 'Bitte fahren Sie sanfter', 'Unsanfte Fahrweise wurde bemerkt.', null, null),
    ('driver.alerts', 'en', 'A driver drives harshly', 'Driver {{driverId}} had more than 5 alerts in a day.', null, null),
    ('trip.completed', 'en', 'Your trip: {{distanceKm}} km', 'You drove {{distanceKm}} km{{#energyKwh}} with {{energyKwh}} kWh{{/energyKwh}}.', null, null),
    ('trip.completed', 'de', 'Ihre Fahrt: {{distanceKm}} km', 'Sie sind {{distanceKm}} km gefahren{{#energyKwh}}, mit {{energyKwh}} kWh{{/energyKwh}}.', null, null)
) as t (name, locale, subject, text, html, short);

drop function notifications.ships(text, text, jsonb, jsonb, jsonb);
drop function notifications.ships_template(text, text, text, text, text, text);
