-- in: subscriptionId
-- out: {prices: {key: {costs, minorUnits, taxRate}}}, its next cycle's
select json_build_object('prices', billing.subscription_prices(array(
    select s.state
    from billing.subscription s
    where s.id = :subscriptionId
        and s.status = 'ACTIVE'))) as body;
