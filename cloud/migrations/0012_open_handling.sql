-- A record opened before clocks ran has one as well, if its clause has two parts: from when the danger was
-- seen, or, where its gateway did not know the time, from when the news came.

INSERT INTO hazard_timer (hazard_id, kind, due_at)
SELECT hazard.id, 'handling',
       (CASE WHEN seen.clock = 'synced' THEN least(hazard.detected_at, hazard.opened_at)
             ELSE hazard.opened_at END) + hazard.handling_clock_s * interval '1 second'
  FROM hazard LEFT JOIN episode AS seen ON seen.id = hazard.content_episode
 WHERE hazard.handling_clock_s > 0 AND hazard.level = 'general' AND hazard.closed_at IS NULL
    ON CONFLICT DO NOTHING;
