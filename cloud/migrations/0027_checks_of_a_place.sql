-- A known value was checked of what hung there then: the same device file bound to another unit is another instrument.
-- A check of before this migration does not say, and is made anew before the next commissioning.

ALTER TABLE witnessed_check
    ADD COLUMN gateway    text,
    ADD COLUMN bus        text,
    ADD COLUMN bound_unit int,
    ADD COLUMN identity   text;
