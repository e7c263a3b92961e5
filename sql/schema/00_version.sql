-- The text of sql/schema that the tables below were made or brought up to date by, as sha256.
create table if not exists schema_version (
    digest varchar not null
);
