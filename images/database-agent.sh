#!/bin/bash
# The agent of a DB instance.  Run at each boot; it reads what the service wants from the user data
# again and again, and brings the engine in line with it.  What it did it says on the console:
# "welkin-database SERIAL ready" or "welkin-database SERIAL failed: WHY".
#
# User data are lines NAME=VALUE; the password is there only as what the engine checks it by.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
run=/run/welkin-database
data=/var/lib/welkin-database
mkdir -p $run $data

fetch() {
    { exec 3<>/dev/tcp/169.254.169.254/80; } 2>/dev/null || return 1
    printf 'GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n' >&3
    read -r -t 5 _ status _ <&3 && [ "$status" = 200 ] && sed '1,/^\r*$/d' <&3
    local result=$?
    exec 3>&-
    return $result
}

read_wanted() {
    fetch >$run/new || return 1
    [ "$(head -n 1 $run/new)" = '#welkin-database' ] || return 1
    cmp -s $run/new $run/wanted 2>/dev/null && return 1
    mv $run/new $run/wanted
}

value() { sed -n "s/^$1=//p" $run/wanted | head -n 1; }

say() { echo "welkin-database $serial $*" >/dev/console; }

give_up() {
    say "failed: $*"
    return 1
}

# ---- MariaDB, and MySQL in its form ----

mysql_root() { mysql --no-defaults --batch --skip-column-names -S $run/mysql.sock "$@"; }

mysql_config() {
    {
        printf '[mariadbd]\nuser=mysql\ndatadir=%s/mysql\nsocket=%s/mysql.sock\n' $data $run
        printf 'pid-file=%s/mysql.pid\nbind-address=0.0.0.0\nport=%s\n' $run "$port"
        printf 'skip-name-resolve\nlocal-infile=0\nsecure-file-priv=%s/none\n' $data
        [ "$engine" = mysql ] && printf 'version=%s\n' "$version"
        sed -n 's/^PARAMETER=//p' $run/wanted
    } >$run/my.cnf
}

mysql_start() {
    mkdir -p $data/none
    chown mysql: $run
    if [ ! -d $data/mysql/mysql ]; then
        rm -rf $data/mysql $data/mysql.new
        mysql_install_db --no-defaults --user=mysql --datadir=$data/mysql.new \
            --auth-root-authentication-method=socket --auth-root-socket-user=root \
            --skip-test-db >$run/install.log 2>&1 || return 1
        mv $data/mysql.new $data/mysql
    fi
    mysql_config
    mariadbd --defaults-file=$run/my.cnf >$run/engine.log 2>&1 &
    engine_pid=$!
    for _ in $(seq 600); do
        mysql_root -e 'SELECT 1' >/dev/null 2>&1 && return 0
        kill -0 $engine_pid 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# The master may do everything but what would let it out of the engine.
mysql_apply() {
    grants="SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,
        SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE,
        BINLOG MONITOR, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT,
        TRIGGER"
    {
        echo "CREATE USER IF NOT EXISTS '$master'@'%' IDENTIFIED BY PASSWORD '$verifier';"
        echo "ALTER USER '$master'@'%' IDENTIFIED BY PASSWORD '$verifier';"
        echo "GRANT $grants ON *.* TO '$master'@'%' WITH GRANT OPTION;"
        [ -z "$database" ] || [ -e $data/database ] ||
            echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
    } | mysql_root || return 1
    : >$data/database
    # those that are static are refused, and wait for a restart
    sed -n 's/^PARAMETER=//p' $run/wanted | while IFS='=' read -r name set; do
        case $set in *[!0-9]*) set="'$set'" ;; esac
        mysql_root -e "SET GLOBAL $name=$set" 2>/dev/null || :
    done
}

# ---- PostgreSQL ----

postgres_bin=$(echo /usr/lib/postgresql/*/bin)

postgres_user="setpriv --reuid=postgres --regid=postgres --clear-groups"

postgres_root() {
    $postgres_user $postgres_bin/psql -q -v ON_ERROR_STOP=1 -h $run -p "$port_now" -U postgres "$@"
}

postgres_config() {
    {
        printf "listen_addresses='*'\nport=%s\nunix_socket_directories='%s'\n" "$port" $run
        printf "password_encryption='scram-sha-256'\nlogging_collector=off\n"
        sed -n "s/^PARAMETER=\([^=]*\)=\(.*\)/\1='\2'/p" $run/wanted
    } >$run/welkin.conf
    printf 'local all postgres peer\nhost all postgres all reject\nhost all all all scram-sha-256\n' \
        >$data/postgres/pg_hba.conf
    chmod 644 $run/welkin.conf
}

postgres_start() {
    chown postgres: $run
    if [ ! -s $data/postgres/PG_VERSION ]; then
        rm -rf $data/postgres $data/postgres.new
        install -d -o postgres -g postgres -m 700 $data/postgres.new
        $postgres_user $postgres_bin/initdb -D $data/postgres.new -A peer -E UTF8 --locale=C.UTF-8 \
            >$run/install.log 2>&1 || return 1
        printf "include '%s/welkin.conf'\n" $run >>$data/postgres.new/postgresql.conf
        mv $data/postgres.new $data/postgres
    fi
    rm -f $data/postgres/postmaster.pid
    postgres_config
    port_now=$port
    $postgres_user $postgres_bin/postgres -D $data/postgres >$run/engine.log 2>&1 &
    engine_pid=$!
    for _ in $(seq 600); do
        postgres_root -c 'SELECT 1' >/dev/null 2>&1 && return 0
        kill -0 $engine_pid 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

postgres_apply() {
    {
        echo "SELECT 'CREATE ROLE rds_superuser' WHERE NOT EXISTS
            (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') \gexec"
        echo "SELECT 'CREATE ROLE \"$master\" LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser'
            WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$master') \gexec"
        echo "ALTER ROLE \"$master\" PASSWORD '$verifier';"
        [ -z "$database" ] || [ -e $data/database ] ||
            echo "SELECT 'CREATE DATABASE \"$database\" OWNER \"$master\"' WHERE NOT EXISTS
                (SELECT FROM pg_database WHERE datname = '$database') \gexec"
    } | postgres_root >/dev/null || return 1
    : >$data/database
    postgres_config
    postgres_root -c 'SELECT pg_reload_conf()' >/dev/null
}

# ---- both ----

stop_engine() {
    [ -n "$engine_pid" ] || return 0
    signal=TERM
    [ "$kind" = postgres ] && signal=INT
    kill -$signal "$engine_pid" 2>/dev/null
    wait "$engine_pid" 2>/dev/null
    engine_pid=
}

bring_in_line() {
    serial=$(value SERIAL) engine=$(value ENGINE) version=$(value VERSION) port=$(value PORT)
    master=$(value MASTER) verifier=$(value VERIFIER) database=$(value DATABASE)
    kind=mysql
    [ "$engine" = postgres ] && kind=postgres
    state="$(value RESTARTS) $port"
    if [ -n "$engine_pid" ] && [ "$state" != "$state_now" ]; then
        stop_engine
    fi
    if [ -z "$engine_pid" ]; then
        ${kind}_start || give_up "the engine does not start: $(tail -n 1 $run/engine.log)" ||
            return
        state_now=$state
    fi
    if ${kind}_apply 2>$run/apply.log; then
        say ready
    else
        give_up "$(tail -n 1 $run/apply.log)"
    fi
}

agent() {
    engine_pid= state_now=
    trap 'stop_engine; exit 0' TERM INT
    rm -f $run/wanted
    while :; do
        read_wanted && bring_in_line
        # an engine that ended is started again
        if [ -n "$engine_pid" ] && ! kill -0 "$engine_pid" 2>/dev/null; then
            engine_pid=
            bring_in_line
        fi
        sleep 1
    done
}

agent </dev/null >/dev/null 2>&1 &
