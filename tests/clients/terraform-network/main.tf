# Interfaces, NAT gateways and peering, in a region and between two, with Terraform's own AWS
# provider.

# Changed in place.
variable "name" {
  type    = string
  default = "first"
}

variable "checked" {
  type    = bool
  default = true
}

variable "dns" {
  type    = bool
  default = false
}

provider "aws" {
  alias  = "there"
  region = "eu-west-1"
}

resource "aws_vpc" "main" {
  cidr_block = "10.40.0.0/16"
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.41.0.0/16"
}

resource "aws_vpc" "other" {
  cidr_block = "10.42.0.0/16"
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "public" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.40.1.0/24"
  availability_zone = "us-east-1a"
}

resource "aws_subnet" "private" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.41.1.0/24"
  availability_zone = "us-east-1a"
  depends_on        = [aws_vpc_ipv4_cidr_block_association.more]
}

resource "aws_eip" "nat" {
  domain = "vpc"
}

resource "aws_nat_gateway" "main" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public.id
  tags          = { Name = var.name }
  depends_on    = [aws_internet_gateway.main]
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.main.id
  }
  route {
    cidr_block                = aws_vpc.other.cidr_block
    vpc_peering_connection_id = aws_vpc_peering_connection.main.id
  }
  route {
    cidr_block                = aws_vpc.there.cidr_block
    vpc_peering_connection_id = aws_vpc_peering_connection_accepter.there.id
  }
  route {
    cidr_block           = "192.0.2.0/24"
    network_interface_id = aws_network_interface.main.id
  }
}

resource "aws_vpc" "there" {
  provider   = aws.there
  cidr_block = "10.43.0.0/16"
}

resource "aws_vpc_peering_connection" "there" {
  vpc_id      = aws_vpc.main.id
  peer_vpc_id = aws_vpc.there.id
  peer_region = "eu-west-1"
}

resource "aws_vpc_peering_connection_accepter" "there" {
  provider                  = aws.there
  vpc_peering_connection_id = aws_vpc_peering_connection.there.id
  auto_accept               = true
}

resource "aws_vpc_peering_connection" "main" {
  vpc_id      = aws_vpc.main.id
  peer_vpc_id = aws_vpc.other.id
  tags        = { Name = var.name }
}

resource "aws_vpc_peering_connection_accepter" "main" {
  vpc_peering_connection_id = aws_vpc_peering_connection.main.id
  auto_accept               = true
  tags                      = { Name = var.name }
}

resource "aws_vpc_peering_connection_options" "main" {
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.main.id
  accepter {
    allow_remote_vpc_dns_resolution = var.dns
  }
}

resource "aws_network_interface" "main" {
  subnet_id         = aws_subnet.private.id
  private_ips       = ["10.41.1.50", "10.41.1.51"]
  description       = var.name
  source_dest_check = var.checked
}

resource "aws_instance" "main" {
  ami           = "ami-009d6802948d06e52"
  instance_type = "t3.micro"
  subnet_id     = aws_subnet.private.id
}

resource "aws_network_interface_attachment" "main" {
  instance_id          = aws_instance.main.id
  network_interface_id = aws_network_interface.main.id
  device_index         = 1
}

output "nat" {
  value = aws_nat_gateway.main.public_ip
}

output "eip" {
  value = aws_eip.nat.public_ip
}

output "peering" {
  value = aws_vpc_peering_connection.main.id
}
