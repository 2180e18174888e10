# A stack of CloudFormation, with Terraform's own AWS provider.

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
    ec2            = var.endpoint
  }
}

resource "aws_cloudformation_stack" "network" {
  name = "terraform-stack"
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
        Properties = { Name = "/terraform/stack", Type = "String", Value = { Ref = "Value" } }
      }
    }
    Outputs = { Text = { Value = { "Fn::GetAtt" = ["Text", "Value"] } } }
  })
}

output "text" {
  value = aws_cloudformation_stack.network.outputs["Text"]
}
