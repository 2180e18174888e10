# A stack of CloudFormation, with Terraform's own AWS provider.

variable "value" {
  type    = string
  default = "first"
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
