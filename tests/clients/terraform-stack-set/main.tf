# A stack set in two regions of one account, and the roles that it needs.

variable "value" {
  type    = string
  default = "first"
}

variable "name" {
  type    = string
  default = "/override"
}

data "aws_iam_policy_document" "administration_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["cloudformation.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "administration" {
  name               = "AWSCloudFormationStackSetAdministrationRole"
  assume_role_policy = data.aws_iam_policy_document.administration_trust.json
}

resource "aws_iam_role_policy" "administration" {
  name = "assume"
  role = aws_iam_role.administration.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = "arn:aws:iam::*:role/AWSCloudFormationStackSetExecutionRole"
    }]
  })
}

data "aws_iam_policy_document" "execution_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.administration.arn]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "AWSCloudFormationStackSetExecutionRole"
  assume_role_policy = data.aws_iam_policy_document.execution_trust.json
}

resource "aws_iam_role_policy" "execution" {
  name = "all"
  role = aws_iam_role.execution.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}

resource "aws_cloudformation_stack_set" "texts" {
  name                    = "terraform-set"
  description             = "texts"
  administration_role_arn = aws_iam_role.administration.arn
  parameters = {
    Value = var.value
  }
  tags = {
    team = "x"
  }
  template_body = jsonencode({
    Parameters = { Value = { Type = "String" }, Name = { Type = "String", Default = "/set" } }
    Resources = {
      Text = {
        Type       = "AWS::SSM::Parameter"
        Properties = { Name = { Ref = "Name" }, Type = "String", Value = { Ref = "Value" } }
      }
    }
  })
  operation_preferences {
    failure_tolerance_count = 0
    max_concurrent_count    = 1
  }
  depends_on = [aws_iam_role_policy.administration, aws_iam_role_policy.execution]
}

resource "aws_cloudformation_stack_set_instance" "here" {
  stack_set_name = aws_cloudformation_stack_set.texts.name
  region         = "us-east-1"
}

resource "aws_cloudformation_stack_set_instance" "there" {
  stack_set_name = aws_cloudformation_stack_set.texts.name
  region         = "eu-west-1"
  parameter_overrides = {
    Name = var.name
  }
  depends_on = [aws_cloudformation_stack_set_instance.here]
}

output "stack" {
  value = aws_cloudformation_stack_set_instance.there.stack_id
}
