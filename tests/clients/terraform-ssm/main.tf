# Parameters of each type, with Terraform's own AWS provider.

variable "value" {
  type    = string
  default = "first"
}

data "aws_ssm_parameter" "al2" {
  name = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
}

resource "aws_ssm_parameter" "text" {
  name        = "/terraform/text"
  type        = "String"
  value       = var.value
  description = "A text"
  tags = {
    Name = "text"
  }
}

resource "aws_ssm_parameter" "list" {
  name  = "/terraform/list"
  type  = "StringList"
  value = "a,b,${var.value}"
}

resource "aws_ssm_parameter" "secret" {
  name  = "/terraform/secret"
  type  = "SecureString"
  tier  = "Advanced"
  value = "${var.value}-secret"
}

resource "aws_ssm_parameter" "image" {
  name      = "/terraform/image"
  type      = "String"
  data_type = "aws:ec2:image"
  value     = nonsensitive(data.aws_ssm_parameter.al2.value)
}
