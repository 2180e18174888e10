# A stack set over two accounts, with Terraform's own AWS provider.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "value" {
  type    = string
  default = "first"
}

provider "aws" {
  region                  = "us-east-1"
  access_key              = "test"
  secret_key              = "test"
  skip_metadata_api_check = true
  endpoints {
    cloudformation = var.endpoint
    sts            = var.endpoint
    iam            = var.endpoint
  }
}

provider "aws" {
  alias                   = "target"
  region                  = "us-east-1"
  access_key              = "111111111111"
  secret_key              = "test"
  skip_metadata_api_check = true
  endpoints {
    sts = var.endpoint
    iam = var.endpoint
    ssm = var.endpoint
  }
}

resource "aws_iam_role" "admin" {
  name = "AWSCloudFormationStackSetAdministrationRole"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "cloudformation.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "admin" {
  name = "assume"
  role = aws_iam_role.admin.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = "arn:aws:iam::*:role/AWSCloudFormationStackSetExecutionRole"
    }]
  })
}

resource "aws_iam_role" "execution" {
  provider = aws.target
  name     = "AWSCloudFormationStackSetExecutionRole"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = aws_iam_role.admin.arn }
    }]
  })
}

resource "aws_iam_role_policy" "execution" {
  provider = aws.target
  name     = "make"
  role     = aws_iam_role.execution.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}

resource "aws_cloudformation_stack_set" "all" {
  name                    = "terraform-set"
  administration_role_arn = aws_iam_role.admin.arn
  parameters = {
    Value = var.value
  }
  tags = {
    team = "x"
  }
  template_body = jsonencode({
    Parameters = { Value = { Type = "String" } }
    Resources = {
      Text = {
        Type       = "AWS::SSM::Parameter"
        Properties = { Name = "/terraform/set", Type = "String", Value = { Ref = "Value" } }
      }
    }
  })
}

resource "aws_cloudformation_stack_set_instance" "target" {
  account_id     = "111111111111"
  region         = "us-east-1"
  stack_set_name = aws_cloudformation_stack_set.all.name
  depends_on     = [aws_iam_role_policy.admin, aws_iam_role_policy.execution]
}

data "aws_ssm_parameter" "made" {
  provider   = aws.target
  name       = "/terraform/set"
  depends_on = [aws_cloudformation_stack_set_instance.target]
}

output "text" {
  value = nonsensitive(data.aws_ssm_parameter.made.value)
}
