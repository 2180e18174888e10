# Placement groups of each strategy, a Dedicated Host that is shared, a capacity reservation, and
# instances in all of them, for clients.py.

variable "type" { default = "c5.large" }
variable "recovery" { default = "off" }
variable "count_reserved" { default = 2 }
variable "team" { default = "red" }
variable "on" { default = "cluster" }
provider "aws" {
  default_tags { tags = { team = var.team } }
}
locals {
  image = "ami-009d6802948d06e52"
}
resource "aws_placement_group" "cluster" {
  name     = "tf-cluster"
  strategy = "cluster"
}
resource "aws_placement_group" "spread" {
  name         = "tf-spread"
  strategy     = "spread"
  spread_level = "rack"
}
resource "aws_placement_group" "partition" {
  name            = "tf-partition"
  strategy        = "partition"
  partition_count = 3
}
resource "aws_instance" "cluster" {
  count             = 2
  ami               = local.image
  instance_type     = var.type
  availability_zone = "us-east-1a"
  placement_group   = aws_placement_group.cluster.name
}
resource "aws_instance" "spread" {
  count             = 2
  ami               = local.image
  instance_type     = "t3.micro"
  availability_zone = "us-east-1a"
  placement_group   = aws_placement_group.spread.name
}
resource "aws_instance" "partition" {
  ami                        = local.image
  instance_type              = "t3.micro"
  availability_zone          = "us-east-1a"
  placement_group            = aws_placement_group.partition.name
  placement_partition_number = 3
}
resource "aws_ec2_host" "host" {
  availability_zone = "us-east-1a"
  instance_type     = "m5.large"
  auto_placement    = "on"
  host_recovery     = var.recovery
}
resource "aws_instance" "on_host" {
  ami               = local.image
  instance_type     = "m5.large"
  availability_zone = "us-east-1a"
  tenancy           = "host"
  host_id           = aws_ec2_host.host.id
}
resource "aws_ec2_capacity_reservation" "reserved" {
  availability_zone       = "us-east-1a"
  instance_type           = "c5.large"
  instance_platform       = "Linux/UNIX"
  instance_count          = var.count_reserved
  instance_match_criteria = "targeted"
}
resource "aws_instance" "reserved" {
  ami               = local.image
  instance_type     = "c5.large"
  availability_zone = "us-east-1a"
  capacity_reservation_specification {
    capacity_reservation_target {
      capacity_reservation_id = aws_ec2_capacity_reservation.reserved.id
    }
  }
}
resource "aws_eip" "ip" {
  domain = "vpc"
}
resource "aws_eip_association" "ip" {
  allocation_id = aws_eip.ip.id
  instance_id   = var.on == "cluster" ? aws_instance.cluster[0].id : aws_instance.partition.id
}
resource "aws_ram_resource_share" "share" {
  name                      = "tf-share"
  allow_external_principals = true
}
resource "aws_ram_resource_association" "host" {
  resource_arn       = aws_ec2_host.host.arn
  resource_share_arn = aws_ram_resource_share.share.arn
}
resource "aws_ram_principal_association" "guest" {
  principal          = "111122223333"
  resource_share_arn = aws_ram_resource_share.share.arn
}
resource "aws_resourcegroups_group" "group" {
  name        = "tf-group"
  description = "what the team has"
  resource_query {
    query = jsonencode({
      ResourceTypeFilters = ["AWS::EC2::Instance", "AWS::EC2::Host"]
      TagFilters          = [{ Key = "team", Values = [var.team] }]
    })
  }
}
output "cluster" { value = aws_instance.cluster[0].id }
output "partition" { value = aws_instance.partition.id }
output "on_host" { value = aws_instance.on_host.id }
output "host" { value = aws_ec2_host.host.id }
output "ip" { value = aws_eip.ip.public_ip }
output "share" { value = aws_ram_resource_share.share.arn }
