/**
 * SQL that copies all tables into a schema beside them, and puts them back: what a backup and its restore do to the data. And the
 * clock of a simulation.
 */

const TABLES = `
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> '_prisma_migrations'`;

/** Ids that sequences gave out are given out again after a restore. */
const SEQUENCES = `
    SELECT c.oid::regclass AS sequence FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'`;

export const SET_CLOCK =
  "UPDATE simulation.clock SET now = 'epoch'::timestamptz + $1::bigint * interval '1 microsecond'";

export const CREATE_COPIES = `
DROP SCHEMA IF EXISTS pristine, copy, simulation CASCADE;
CREATE SCHEMA pristine; CREATE SCHEMA copy; CREATE SCHEMA simulation;
CREATE UNLOGGED TABLE simulation.clock (now timestamptz NOT NULL);
INSERT INTO simulation.clock VALUES (now());
CREATE FUNCTION simulation.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT now FROM simulation.clock';

DO $$
DECLARE name text; place text;
BEGIN
  FOREACH place IN ARRAY ARRAY['pristine', 'copy'] LOOP
    EXECUTE format('CREATE UNLOGGED TABLE %I."sequence values" (sequence regclass, last_value bigint, is_called boolean)', place);
    FOR name IN ${TABLES} LOOP
      EXECUTE format('CREATE UNLOGGED TABLE %I.%I (LIKE public.%I)', place, name, name);
    END LOOP;
  END LOOP;
END $$;

CREATE FUNCTION simulation.move(source text, target text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
  FOR name IN ${TABLES} LOOP
    EXECUTE format('DELETE FROM %I.%I', target, name);
    EXECUTE format('INSERT INTO %I.%I OVERRIDING SYSTEM VALUE SELECT * FROM %I.%I', target, name, source, name);
  END LOOP;
END $$;

CREATE FUNCTION simulation.save(place text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE sequence regclass;
BEGIN
  PERFORM simulation.move('public', place);
  EXECUTE format('DELETE FROM %I."sequence values"', place);
  FOR sequence IN ${SEQUENCES} LOOP
    EXECUTE format('INSERT INTO %I."sequence values" SELECT %s, last_value, is_called FROM %s', place, sequence::oid, sequence);
  END LOOP;
END $$;

CREATE FUNCTION simulation.put_back(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM simulation.move(place, 'public');
  EXECUTE format('SELECT setval(sequence, last_value, is_called) FROM %I."sequence values"', place);
END $$;
`;
