#!/bin/sh -x
mkdir -p /var/www
echo "hello from $(hostname)" >/var/www/index.html
httpd -p 8080 -h /var/www
