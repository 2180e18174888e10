#!/bin/sh
# Launches an instance that serves a page, reads the page, ends the instance.
#
# Needs the AWS CLI and curl.  Version 2 of the CLI before 2.13 does not know AWS_ENDPOINT_URL,
# so it is told.
set -eu
cd "$(dirname "$0")"
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-test}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-test}"
export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=
ec2() { aws --endpoint-url "${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}" --output text ec2 "$@"; }

group=$(ec2 create-security-group --group-name "hello-$$" --description hello --query GroupId)
ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 8080 \
    --cidr 0.0.0.0/0 >/dev/null
id=$(ec2 run-instances --image-id ami-009d6802948d06e52 --instance-type t3.micro \
    --security-group-ids "$group" --user-data file://boot.sh --query 'Instances[0].InstanceId')
ec2 wait instance-running --instance-ids "$id"
ip=$(ec2 describe-instances --instance-ids "$id" \
    --query 'Reservations[0].Instances[0].PublicIpAddress')
curl -fsS --retry 10 --retry-connrefused --retry-delay 1 "http://$ip:8080/"
ec2 terminate-instances --instance-ids "$id" >/dev/null
ec2 wait instance-terminated --instance-ids "$id"
ec2 delete-security-group --group-id "$group" >/dev/null
