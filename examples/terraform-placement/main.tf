# Placement: a group of each strategy, a Dedicated Host and a Capacity Reservation, with instances.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { default = "http://127.0.0.1:4566" }

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints {
    ec2           = var.endpoint
    sts           = var.endpoint
    iam           = var.endpoint
    servicequotas = var.endpoint
  }
}

locals {
  ami  = "ami-009d6802948d06e52"
  zone = "us-east-1a"
}

resource "aws_placement_group" "cluster" {
  name     = "cluster"
  strategy = "cluster"
  tags     = { team = "blue" }
}

resource "aws_placement_group" "spread" {
  name         = "spread"
  strategy     = "spread"
  spread_level = "rack"
}

resource "aws_placement_group" "partition" {
  name            = "partition"
  strategy        = "partition"
  partition_count = 3
}

resource "aws_instance" "cluster" {
  count           = 2
  ami             = local.ami
  instance_type   = "c5.large"
  placement_group = aws_placement_group.cluster.name
}

resource "aws_instance" "spread" {
  count           = 3
  ami             = local.ami
  instance_type   = "t3.micro"
  placement_group = aws_placement_group.spread.name
}

resource "aws_instance" "partition" {
  ami                        = local.ami
  instance_type              = "t3.micro"
  placement_group            = aws_placement_group.partition.name
  placement_partition_number = 2
}

resource "aws_ec2_host" "own" {
  instance_family   = "m5"
  availability_zone = local.zone
  host_recovery     = "off"
  auto_placement    = "on"
  tags              = { team = "blue" }
}

resource "aws_instance" "on_host" {
  ami           = local.ami
  instance_type = "m5.large"
  host_id       = aws_ec2_host.own.id
  tenancy       = "host"
}

resource "aws_ec2_capacity_reservation" "kept" {
  instance_type           = "t3.small"
  instance_platform       = "Linux/UNIX"
  availability_zone       = local.zone
  instance_count          = 2
  instance_match_criteria = "targeted"
}

resource "aws_instance" "reserved" {
  ami               = local.ami
  instance_type     = "t3.small"
  availability_zone = local.zone
  capacity_reservation_specification {
    capacity_reservation_target {
      capacity_reservation_id = aws_ec2_capacity_reservation.kept.id
    }
  }
}

resource "aws_servicequotas_service_quota" "standard" {
  service_code = "ec2"
  quota_code   = "L-1216C47A"
  value        = 2000000
}
