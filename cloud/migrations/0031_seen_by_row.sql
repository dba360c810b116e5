-- Who sees which row: worked out once for a statement, as sets of sites and devices, and not once for each row.

-- The programs themselves, and the demo's viewer.
CREATE FUNCTION is_program() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('sitewarden.account', true), '') = ''
$$;

-- The sites that an account has in one of these roles (NULL: in whatever role), and of each the devices (NULL: all).
CREATE FUNCTION sites_of(account int, roles text[]) RETURNS TABLE (site text, devices text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT x.site, NULL::text[] FROM site AS x WHERE account IS NULL
    UNION ALL
    SELECT x.site, CASE WHEN bool_and(given.devices IS NOT NULL) THEN array_agg(DISTINCT of.device) END
      FROM assignments_of(account) AS given
           CROSS JOIN site AS x
           LEFT JOIN tree_node AS top ON top.node = given.node
           LEFT JOIN tree_node AS t ON t.node = x.territory
           LEFT JOIN tree_node AS e ON e.node = x.enterprise
           LEFT JOIN LATERAL unnest(given.devices) AS of (device) ON true
     WHERE (roles IS NULL OR given.role = ANY (roles))
       AND (num_nonnulls(given.node, given.site) = 0 OR given.site = x.site
            OR starts_with(t.path, top.path) OR starts_with(e.path, top.path))
     GROUP BY x.site
$$;

-- Of whoever calls: every site of which something is his, those that are his whole, and devices of the others.
CREATE FUNCTION caller() RETURNS int LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('sitewarden.account', true), '')::int
$$;
CREATE FUNCTION seen_sites() RETURNS SETOF text LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT site FROM sites_of(caller(), NULL)
$$;
CREATE FUNCTION seen_whole_sites() RETURNS SETOF text LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT site FROM sites_of(caller(), NULL) WHERE devices IS NULL
$$;
CREATE FUNCTION seen_devices() RETURNS TABLE (site text, device text) LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT seen.site, unnest(seen.devices) FROM sites_of(caller(), NULL) AS seen WHERE seen.devices IS NOT NULL
$$;

-- Fence a table: whoever calls sees the rows of which `seen` holds, the programs all. It holds for the owner too, where that is no
-- superuser. In `seen` each of the functions above stands in brackets of its own, `IN (SELECT …)`: so it is asked once a statement.
CREATE PROCEDURE fence(of regclass, seen text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', of);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', of);
    EXECUTE format('CREATE POLICY in_scope ON %s USING ((SELECT is_program()) OR %s)', of, seen);
END $$;

-- What happens at a site: to whoever has the whole of it, and of a device to whoever has that.
CALL fence('hazard', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
CALL fence('episode', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
-- Counters and the stream, which goes out by device: to whoever has something there.
CALL fence('hazard_number', 'site IN (SELECT seen_sites())');
CALL fence('live_event', 'site IN (SELECT seen_sites())');
-- What belongs to a record: to whoever sees the record.
CALL fence('hazard_event', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('hazard_timer', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('hazard_signature', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('alarm_request', 'EXISTS (SELECT FROM episode WHERE episode.id = alarm_request.episode)');

-- What the registry and gateways fenced so far asked a function for every row.
DO $$
DECLARE
    fenced text;
BEGIN
    FOR fenced IN
        SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
         WHERE relnamespace = current_schema::regnamespace AND polname = 'in_scope' AND NOT relforcerowsecurity
           AND relname NOT IN ('channel', 'registry_change')
    LOOP
        EXECUTE format(
            'ALTER POLICY in_scope ON %I USING ((SELECT is_program()) OR site IN (SELECT seen_sites()))', fenced);
    END LOOP;
END $$;
ALTER POLICY in_scope ON registry_change
    USING ((SELECT is_program()) OR site IN (SELECT seen_sites()) OR (site IS NULL AND (SELECT sees_site(caller(), NULL))));
ALTER POLICY in_scope ON channel
    USING ((SELECT is_program()) OR site IS NULL OR site IN (SELECT seen_sites()))
    WITH CHECK ((SELECT is_program()) OR rules_channel(caller(), site));

-- The lists of a territory: the newest first, over all sites.
CREATE INDEX hazard_open_listed ON hazard (opened_at DESC, id DESC) WHERE ended_at IS NULL;
CREATE INDEX hazard_all_listed ON hazard (opened_at DESC, id DESC);
