-- Dead letters know their mode, so that a replay's, a drill's or a test's never stand among the live ones.

-- Empty where none could be read from the topic.
ALTER TABLE dead_letter ADD COLUMN mode text NOT NULL DEFAULT '';
UPDATE dead_letter SET mode = split_part(topic, '/', 3)
 WHERE topic LIKE 'sw/1/%' AND split_part(topic, '/', 3) IN ('live', 'test', 'drill', 'replay');
ALTER TABLE dead_letter ALTER COLUMN mode DROP DEFAULT;
-- Each mode has its own bound: a replay full of nonsense drives no live letter out.
CREATE INDEX dead_letter_oldest ON dead_letter (mode, id);

-- What was counted under a site was shown as the one mode of this database's cloud, and without a site as none.
ALTER TABLE dead_letter_count ADD COLUMN mode text NOT NULL DEFAULT '';
UPDATE dead_letter_count
   SET mode = CASE WHEN EXISTS (SELECT FROM gateway WHERE mode = 'replay')
                    AND NOT EXISTS (SELECT FROM gateway WHERE mode = 'live') THEN 'replay' ELSE 'live' END
 WHERE site <> '';
ALTER TABLE dead_letter_count ALTER COLUMN mode DROP DEFAULT;
ALTER TABLE dead_letter_count DROP CONSTRAINT dead_letter_count_pkey;
ALTER TABLE dead_letter_count ADD PRIMARY KEY (site, mode, reason);
