-- Which life of its node a connection is of: when that node started, by its
-- own clock, and only ever compared for being the same.

alter table stations.link add column node_started timestamptz;
