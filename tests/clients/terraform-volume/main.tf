# Volumes, snapshots and an image of an instance, with Terraform's own AWS provider.

# Changed in place.
variable "size" {
  type    = number
  default = 2
}

variable "name" {
  type    = string
  default = "first"
}

resource "aws_instance" "main" {
  ami               = "ami-009d6802948d06e52"
  instance_type     = "t3.micro"
  availability_zone = "us-east-1a"
}

# Terraform takes all volumes of an instance that names some for these: it is another one.
resource "aws_instance" "other" {
  ami           = "ami-009d6802948d06e52"
  instance_type = "t3.micro"

  ebs_block_device {
    device_name = "/dev/sdg"
    volume_size = 1
    volume_type = "gp3"
  }
}

resource "aws_ebs_volume" "main" {
  availability_zone = "us-east-1a"
  size              = var.size
  type              = "gp3"
  tags              = { Name = var.name }
}

resource "aws_volume_attachment" "main" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.main.id
  instance_id = aws_instance.main.id
}

resource "aws_ebs_volume" "encrypted" {
  availability_zone = "us-east-1b"
  size              = 1
  encrypted         = true
}

resource "aws_ebs_snapshot" "main" {
  volume_id   = aws_ebs_volume.encrypted.id
  description = "of Terraform"
  tags        = { Name = var.name }
}

resource "aws_ebs_snapshot_copy" "main" {
  source_snapshot_id = aws_ebs_snapshot.main.id
  source_region      = "us-east-1"
  encrypted          = true
  kms_key_id         = aws_ebs_volume.encrypted.kms_key_id
}

resource "aws_ebs_volume" "restored" {
  availability_zone = "us-east-1a"
  snapshot_id       = aws_ebs_snapshot.main.id
}

resource "aws_ami_from_instance" "main" {
  name               = "tf-baked"
  source_instance_id = aws_instance.main.id
  depends_on         = [aws_volume_attachment.main]
}

resource "aws_ami_copy" "main" {
  name              = "tf-copied"
  source_ami_id     = aws_ami_from_instance.main.id
  source_ami_region = "us-east-1"
}

output "volume" {
  value = aws_ebs_volume.main.id
}

output "instance" {
  value = aws_instance.main.id
}
