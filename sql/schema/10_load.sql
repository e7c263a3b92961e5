-- What was loaded, from which file, and what was refused. Counts are rows of the file.
create schema if not exists raw;

create table if not exists load_manifest (
    load_id integer primary key,
    kind varchar not null,
    file varchar not null,
    sha256 varchar not null,
    n_bytes bigint not null,
    format varchar not null,
    source_id varchar,
    genome_build varchar,
    n_read bigint not null,
    n_loaded bigint not null,
    n_rejected bigint not null,
    rejected map(varchar, bigint) not null,
    varhouse_version varchar not null,
    loaded_at timestamptz not null
);

-- What the user asked for that decides which rows of a file come in, an option a row.
create table if not exists load_options (
    load_id integer not null,
    option varchar not null,
    value varchar not null
);

create table if not exists load_issues (
    load_id integer not null,
    file varchar not null,
    line bigint,
    code varchar not null,
    message varchar not null,
    n bigint not null,
    example varchar
);
