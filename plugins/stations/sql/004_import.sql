-- Which station a row of a file became: the arbiter between imports of the
-- same file that run at a time, and between rows that come twice in one.
create table stations.imported (
    operator_id text    not null,
    name        text    not null,
    lat         numeric not null,
    lon         numeric not null,
    station_id  uuid    not null,
    constraint imported_pkey primary key (operator_id, name, lat, lon),
    constraint imported_station foreign key (station_id) references stations.station (id) on delete cascade
);
create index imported_by_station on stations.imported (station_id);
