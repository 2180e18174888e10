// Usage: node client.mjs ENDPOINT — one instance's life with the AWS SDK for JavaScript.
import assert from "node:assert";
import { createRequire } from "node:module";

const require = createRequire(process.env.WELKIN_NODE_MODULES + "/");
const ec2 = require("@aws-sdk/client-ec2");

const client = new ec2.EC2Client({
    endpoint: process.argv[2],
    region: "us-east-1",
    credentials: { accessKeyId: "031780582162", secretAccessKey: "test" },
});
const run = await client.send(new ec2.RunInstancesCommand({
    ImageId: "ami-009d6802948d06e52", InstanceType: "t3.micro", MinCount: 1, MaxCount: 1,
    UserData: Buffer.from("#!/bin/sh\n").toString("base64"),
    TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "js & <xml>" }] }],
}));
const InstanceIds = [run.Instances[0].InstanceId];
assert.equal(run.OwnerId, "031780582162");
await ec2.waitUntilInstanceRunning({ client, maxWaitTime: 30, minDelay: 1 }, { InstanceIds });
const [reservation] = (await client.send(new ec2.DescribeInstancesCommand({ InstanceIds }))).Reservations;
const instance = reservation.Instances[0];
assert.equal(instance.Tags[0].Value, "js & <xml>");
assert(instance.LaunchTime instanceof Date);
await assert.rejects(client.send(new ec2.DescribeInstancesCommand({ InstanceIds: ["i-0123456789abcdef0"] })),
    (error) => error.name === "InvalidInstanceID.NotFound");
let pages = 0, types = 0;
for await (const page of ec2.paginateDescribeInstanceTypes({ client, pageSize: 100 }, {})) {
    pages++;
    types += page.InstanceTypes.length;
}
assert(pages > 1 && types > 100, `${pages} pages, ${types} types`);
await client.send(new ec2.TerminateInstancesCommand({ InstanceIds }));
await ec2.waitUntilInstanceTerminated({ client, maxWaitTime: 30, minDelay: 1 }, { InstanceIds });
console.log("done");
