# A stack of CloudFormation that holds a group: it is made when its instances have signalled, and
# an update rolls them.

variable "type" {
  type    = string
  default = "t3.micro"
}

resource "aws_cloudformation_stack" "web" {
  name       = "rolling"
  parameters = { Type = var.type }

  template_body = jsonencode({
    Parameters = { Type = { Type = "String" } }
    Resources = {
      Group = {
        Type = "AWS::AutoScaling::AutoScalingGroup"
        Properties = {
          AvailabilityZones       = ["us-east-1a"]
          LaunchConfigurationName = { Ref = "Config" }
          MinSize                 = "1"
          MaxSize                 = "4"
          DesiredCapacity         = "2"
        }
        CreationPolicy = { ResourceSignal = { Count = "2", Timeout = "PT5M" } }
        UpdatePolicy = {
          AutoScalingRollingUpdate = {
            MinInstancesInService = "1"
            MaxBatchSize          = "1"
            PauseTime             = "PT5M"
            WaitOnResourceSignals = "true"
          }
          AutoScalingScheduledAction = { IgnoreUnmodifiedGroupSizeProperties = "true" }
        }
      }
      Config = {
        Type       = "AWS::AutoScaling::LaunchConfiguration"
        Properties = { ImageId = "ami-009d6802948d06e52", InstanceType = { Ref = "Type" } }
      }
    }
    Outputs = { Group = { Value = { Ref = "Group" } } }
  })
}

output "group" {
  value = aws_cloudformation_stack.web.outputs["Group"]
}
