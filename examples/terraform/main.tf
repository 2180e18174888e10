# An instance that serves a page, with Terraform's own AWS provider.
#
#   terraform init && terraform apply && curl "$(terraform output -raw url)"

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type    = string
  default = "http://127.0.0.1:4566"
}

variable "greeting" {
  type    = string
  default = "hello from Terraform"
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}

variable "name" {
  type    = string
  default = "web"
}

provider "aws" {
  region                  = "us-east-1"
  access_key              = "test"
  secret_key              = "test"
  skip_metadata_api_check = true
  endpoints {
    ec2 = var.endpoint
    iam = var.endpoint
    sts = var.endpoint
  }
}

data "aws_vpc" "default" {
  default = true
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "A page for everyone"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    description = "the page"
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  ingress {
    from_port = 0
    to_port   = 0
    protocol  = "-1"
    self      = true
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = {
    Name = "web"
  }
}

resource "aws_key_pair" "me" {
  key_name   = "me"
  public_key = file("${path.module}/example.pub")
}

resource "aws_instance" "web" {
  ami                         = "ami-009d6802948d06e52"
  instance_type               = var.instance_type
  key_name                    = aws_key_pair.me.key_name
  vpc_security_group_ids      = [aws_security_group.web.id]
  user_data_replace_on_change = true

  user_data = <<-EOF
    #!/bin/sh
    mkdir -p /var/www
    echo "${var.greeting}" >/var/www/index.html
    httpd -p 8080 -h /var/www
  EOF

  tags = {
    Name = var.name
  }
}

# An address that stays when the instance is replaced.
resource "aws_eip" "web" {
  domain = "vpc"
  tags = {
    Name = "web"
  }
}

resource "aws_eip_association" "web" {
  allocation_id = aws_eip.web.id
  instance_id   = aws_instance.web.id
}

output "id" {
  value = aws_instance.web.id
}

output "url" {
  value = "http://${aws_eip.web.public_ip}:8080/"
}
