-- in: zone, times (wall clocks)
-- out: the moments that they mean, in that order
select json_build_object('times', json_agg(vg.z(quirks.local_instant(t.clock::timestamp, :zone, :now)) order by t.n)) as body
from jsonb_array_elements_text(:times) with ordinality as t (clock, n);
