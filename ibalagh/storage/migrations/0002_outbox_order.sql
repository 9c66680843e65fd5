-- Two source partitions may have effects on one key (two reports that join one case). Their transactions exclude each
-- other by that key's lock, so numbers drawn while writing rise in the order in which the key changed.

ALTER TABLE outbox ADD COLUMN written bigint NOT NULL GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN outbox.written IS 'Order among what a reader sees; never a position: it does not follow commits';
