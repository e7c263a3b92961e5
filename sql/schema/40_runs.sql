-- One row per node that a run built, tested, failed or skipped; never changed afterwards. Unchanged nodes write none.
create table if not exists run_results (
    run_id varchar not null,
    command varchar not null,
    node varchar not null,
    resource_type varchar not null,
    status varchar not null,
    fingerprint varchar,
    sql_hash varchar,
    config_hash varchar,
    parents map(varchar, varchar),
    n_rows bigint,
    seconds double not null,
    started_at timestamptz not null,
    message varchar not null,
    vars_json varchar not null,
    full_refresh boolean not null,
    varhouse_version varchar not null
);
