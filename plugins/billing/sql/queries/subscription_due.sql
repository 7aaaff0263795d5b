-- in: nothing
-- out: {prices: {key: {costs, minorUnits, taxRate}}}, one for each plan's revision and day among those that are due
select json_build_object('prices', billing.subscription_prices(array(
    select s.state
    from billing.subscription s
    where s.next_at <= :now
        and s.status = 'ACTIVE'
        and s.invoice_id is null
    order by s.next_at
    limit 500))) as body;
