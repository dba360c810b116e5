-- What a record waits for stands in its row, so that an inbox reads no more of it: worked out of the same row whenever it is written.
-- Who does it follows from the word and the level (cloud/hazards/inbox.py).
CREATE FUNCTION hazard_waits_for(status text, level text, supervision text, escalation_proposed smallint, record jsonb)
    RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN status IN ('closed', 'rejected', 'merged') THEN '{}' ELSE array_remove(ARRAY[
        CASE WHEN status = 'candidate' THEN 'judge' END,
        CASE WHEN status = 'confirmed' AND record -> 'plan' IS NULL THEN 'plan' END,
        -- Of a major hazard somebody else accepts it; of a general one it holds at once.
        CASE WHEN status IN ('confirmed', 'rectifying') AND level <> 'general' AND record -> 'plan' IS NOT NULL
                  AND record #> '{plan,accepted}' IS NULL THEN 'accept_plan' END,
        CASE WHEN status = 'rectifying' AND NOT (level <> 'general' AND record -> 'plan' IS NOT NULL
                  AND record #> '{plan,accepted}' IS NULL) THEN 'rectify' END,
        -- What nobody has decided has no outcome yet.
        CASE WHEN status = 'rectifying' AND record #> '{extensions,-1}' IS NOT NULL
                  AND coalesce(record #>> '{extensions,-1,outcome}', 'pending') = 'pending' THEN 'decide_extension' END,
        -- Of a major hazard first the supervision passes the last submission, then an authority.
        CASE WHEN status = 'rectified' THEN
            CASE WHEN level = 'general' THEN 'review'
                 WHEN jsonb_path_exists(record, '$.reviews[*] ? (@.is_passed == true && @.by.side == "supervision" && @.round == $round)',
                          jsonb_build_object('round', coalesce(jsonb_array_length(record -> 'submissions'), 0)))
                 THEN 'review_by_authority' ELSE 'review_by_supervision' END END,
        CASE WHEN status = 'reviewed' THEN 'close' END,
        CASE WHEN supervision = 'proposed' AND level = 'major' AND status <> 'candidate' THEN 'list' END,
        CASE WHEN escalation_proposed IS NOT NULL AND level = 'major' AND status <> 'candidate' THEN 'escalate' END,
        CASE WHEN level = 'major' AND status <> 'candidate'
                  AND coalesce(jsonb_array_length(record -> 'acknowledged'), 0) = 0 THEN 'acknowledge' END
    ]::text[], NULL) END
$$;
ALTER TABLE hazard ADD COLUMN waits_for text[]
    GENERATED ALWAYS AS (hazard_waits_for(status, level, supervision, escalation_proposed, record)) STORED;

-- Every role that an account holds at every site, and of each the devices (NULL: all).
CREATE FUNCTION roles_at_sites(account int) RETURNS TABLE (site text, role text, devices text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT x.site, given.role, given.devices
      FROM assignments_of(account) AS given
           CROSS JOIN site AS x
           LEFT JOIN tree_node AS top ON top.node = given.node
           LEFT JOIN tree_node AS t ON t.node = x.territory
           LEFT JOIN tree_node AS e ON e.node = x.enterprise
     WHERE num_nonnulls(given.node, given.site) = 0 OR given.site = x.site
        OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)
$$;

CREATE INDEX hazard_of_device ON hazard (site, device, opened_at DESC, id DESC);
