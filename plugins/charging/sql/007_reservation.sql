-- Reservations that hold a connector or will, fed by events; what is over is
-- not here. A start by the API is refused where somebody else's holds.

create table charging.reservation (
    reservation_id      uuid        not null,
    ocpp_reservation_id int         not null,
    connector_id        uuid        not null,
    operator_id         text,
    customer_id         text,
    vehicle_id          uuid,
    company_id          text,
    id_tag              text        not null,
    holds_from          timestamptz not null,
    expires_at          timestamptz not null,
    constraint reservation_pkey primary key (reservation_id)
);
create index reservation_connector on charging.reservation (connector_id, holds_from);
create index reservation_ocpp on charging.reservation (ocpp_reservation_id);
create index reservation_customer on charging.reservation (customer_id);
create index reservation_age on charging.reservation (expires_at);
