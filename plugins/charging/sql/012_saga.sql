-- The sagas that charging begins: charging.start.
select vg.saga_ground('charging');
