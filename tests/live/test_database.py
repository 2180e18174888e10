"""DB instances whose engines run, and clients of them."""
import re

from cloud import check, same, wait
from lab import allow, group, test

ENGINES = {
    "mysql": ("mysql --connect-timeout=5 -h {host} -P {port} -u master -p{password} -N -e '{sql}' {db}",
              3306),
    "postgres": ("PGCONNECT_TIMEOUT=5 PGPASSWORD={password} psql -h {host} -p {port} -U master "
                 "-At -c '{sql}' {db}", 5432),
}


def rds(cloud, action, **params):
    return cloud.query("rds", action, **params)


def text(body, name):
    found = re.search(f"<{name}>([^<]*)</{name}>", body)
    return found.group(1) if found else None


class Database:
    """A DB instance, and a client in the VPC that may reach it."""

    def __init__(self, cloud, engine, client, sg):
        self.cloud, self.engine, self.client = cloud, engine, client
        self.name = f"live-{engine}"
        self.password = "correct-horse"
        rds(cloud, "CreateDBInstance", DBInstanceIdentifier=self.name, Engine=engine,
            DBInstanceClass="db.t3.micro", AllocatedStorage=20, MasterUsername="master",
            MasterUserPassword=self.password, DBName="shop", BackupRetentionPeriod=0,
            VpcSecurityGroupIds={"VpcSecurityGroupId": [sg]})

    def describe(self):
        return rds(self.cloud, "DescribeDBInstances", DBInstanceIdentifier=self.name)

    def wait(self, status="available", seconds=60):
        wait(f"{self.name} to be {status}",
             lambda: text(self.describe(), "DBInstanceStatus") == status, seconds, step=0.2)

    def sql(self, sql, password=None):
        """(exit status, output) of a statement, by the engine's own client."""
        about = self.describe()
        line = ENGINES[self.engine][0].format(host=text(about, "Address"),
                                              port=ENGINES[self.engine][1], db="shop", sql=sql,
                                              password=password or self.password)
        status, out = self.cloud.exec(self.client, "sh", "-c", line)
        return status, out.decode(errors="replace").strip()

    def rows(self, sql):
        status, out = self.sql(sql)
        check(status == 0, f"{sql}: {out}")
        return out


# proves: RDS-01
@test
def clients_use_both_engines_whose_data_outlive_everything(lab):
    cloud = lab.cloud
    image = lab.database(cloud)
    inside = group(cloud, "db-clients")
    sg = group(cloud, "db", ("tcp", 3306, 3306, inside))
    client = cloud.launch(ImageId=image, SecurityGroupId=[inside])[0]
    both = [Database(cloud, engine, client, sg) for engine in ENGINES]
    cloud.booted(client)
    for db in both:
        db.wait()
    mysql, postgres = both
    same(mysql.rows("SELECT VERSION()"), "8.0.42", "MySQL's version")
    check(postgres.sql("SELECT 1")[0] != 0, "a group that does not let one in lets one in")
    allow(cloud, sg, "tcp", 5432, 5432, inside)
    for db in both:
        db.rows("CREATE TABLE t (n INT)")
        db.rows("INSERT INTO t VALUES (42)")
        check(db.sql("SELECT 1", password="wrong-horse")[0] != 0, "a wrong password is taken")
        rds(cloud, "RebootDBInstance", DBInstanceIdentifier=db.name)
    cloud.kill9()
    cloud.up()
    for db in both:
        db.wait()
        same(db.rows("SELECT n FROM t"), "42", f"the row of {db.name} after a reboot")
        db.password = "another-horse"
        rds(cloud, "ModifyDBInstance", DBInstanceIdentifier=db.name,
            MasterUserPassword=db.password)
        wait("the new password", lambda: db.sql("SELECT 1")[0] == 0, 30, step=0.2)
        db.wait()
        rds(cloud, "ModifyDBInstance", DBInstanceIdentifier=db.name, ApplyImmediately=True,
            DBInstanceClass="db.t3.small")
    for db in both:
        wait("the bigger class",
             lambda: text(db.describe(), "DBInstanceClass") == "db.t3.small", 60, step=0.2)
        db.wait()
        same(db.rows("SELECT n FROM t"), "42", f"the row of {db.name} in a bigger class")
        rds(cloud, "DeleteDBInstance", DBInstanceIdentifier=db.name, SkipFinalSnapshot=True)
    for db in both:
        wait("the end", lambda: db.name not in rds(cloud, "DescribeDBInstances"), 30, step=0.2)
