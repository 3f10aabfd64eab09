-- What must hold of one asset's open offers whenever a transaction commits (PRODUCT.md, rule 1):
--   a priced edition has an open free offer of the same version for each body that it promises to be free for;
--   a version made only of files that are public-interest files elsewhere has no price, unless it is an edition;
--   an offer that is free to everybody has its standing grant.
CREATE FUNCTION licensing_open_offers(checked uuid) RETURNS TABLE (
    version_id uuid, policy_id text, price bigint, exclusive boolean, audience text[], territory jsonb
) AS $$
    SELECT o.version_id, o.policy_id, o.price_minor_units, o.exclusive, o.audience,
        convert_from(p.canonical, 'UTF8')::jsonb -> 'territory'
    FROM licensing_offer o JOIN licensing_policy p ON p.sha256 = o.policy_id
    WHERE o.asset_id = checked AND NOT EXISTS (SELECT FROM licensing_offerend e WHERE e.offer_id = o.id);
$$ LANGUAGE sql STABLE SET search_path = public, pg_temp;

-- Whether a public-interest asset has an open offer that is free to everybody, everywhere.
CREATE FUNCTION licensing_is_open_to_all(checked uuid) RETURNS boolean AS $$
    SELECT EXISTS (
        SELECT FROM licensing_open_offers(checked)
        WHERE price = 0 AND NOT exclusive AND audience = '{}' AND territory = '[]'
    );
$$ LANGUAGE sql STABLE SET search_path = public, pg_temp;

CREATE FUNCTION licensing_check_prices(checked uuid) RETURNS void AS $$
DECLARE
    offer record;
    promised text[] := (
        SELECT e.free_for FROM licensing_edition e WHERE e.asset_id = checked ORDER BY e.number DESC LIMIT 1
    );
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'offers: publish and end them under READ COMMITTED, which sees what others committed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    FOR offer IN SELECT * FROM licensing_open_offers(checked) LOOP
        IF offer.price > 0 AND promised IS NOT NULL AND NOT EXISTS (
            SELECT FROM licensing_open_offers(checked) f
            WHERE f.version_id = offer.version_id AND f.price = 0 AND NOT f.exclusive
                AND f.territory = '[]' AND (f.audience = '{}' OR f.audience @> promised)
        ) THEN
            RAISE EXCEPTION 'edition: a price stands only beside a free offer for %', promised
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF offer.price > 0 AND promised IS NULL AND NOT EXISTS (
            SELECT FROM licensing_assetfile f WHERE f.version_id = offer.version_id AND NOT EXISTS (
                SELECT FROM licensing_assetfile g JOIN licensing_assetversion v ON v.id = g.version_id
                    JOIN licensing_asset a ON a.id = v.asset_id
                WHERE g.sha256 = f.sha256 AND a.public_interest
            )
        ) AND EXISTS (SELECT FROM licensing_assetfile f WHERE f.version_id = offer.version_id) THEN
            RAISE EXCEPTION 'public interest: these files are free elsewhere; only an edition of them has a price'
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF offer.price = 0 AND offer.audience = '{}' AND NOT offer.exclusive AND NOT EXISTS (
            SELECT FROM licensing_grant g
            WHERE g.version_id = offer.version_id AND g.policy_id = offer.policy_id AND g.basis = 'standing'
        ) THEN
            RAISE EXCEPTION 'standing grant: what is free to everybody is granted to everybody'
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
END;
$$ LANGUAGE plpgsql SET search_path = public, pg_temp;
