#!/bin/sh -x
# Runs once, as root, at the first boot.  Its output is in /var/log/cloud-init-output.log and on
# the console.
echo "script ran on $(hostname)" >/root/script
