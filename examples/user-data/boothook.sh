#cloud-boothook
#!/bin/sh
# Runs at every boot.
date +%s >>/root/boots
