# Groups with what belongs to them, with Terraform's own AWS provider.

variable "size" {
  type    = number
  default = 2
}

variable "type" {
  type    = string
  default = "t3.micro"
}

data "aws_availability_zones" "all" {
  state = "available"
}

resource "aws_launch_configuration" "web" {
  name_prefix   = "web-"
  image_id      = "ami-009d6802948d06e52"
  instance_type = var.type
  user_data     = "#!/bin/sh\necho hello >/root/hello\n"

  root_block_device {
    volume_size = 9
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "web" {
  name                      = "web"
  launch_configuration      = aws_launch_configuration.web.name
  availability_zones        = slice(data.aws_availability_zones.all.names, 0, 2)
  min_size                  = 1
  max_size                  = 4
  desired_capacity          = var.size
  health_check_type         = "EC2"
  health_check_grace_period = 60
  default_cooldown          = 120
  termination_policies      = ["OldestLaunchConfiguration", "Default"]
  suspended_processes       = ["AZRebalance"]
  force_delete              = true # hooks of the end are not waited for

  initial_lifecycle_hook {
    name                 = "initial"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    default_result       = "CONTINUE"
    heartbeat_timeout    = 30
  }

  tag {
    key                 = "Name"
    value               = "web"
    propagate_at_launch = true
  }

  tag {
    key                 = "Team"
    value               = "a"
    propagate_at_launch = false
  }
}

resource "aws_autoscaling_schedule" "night" {
  scheduled_action_name  = "night"
  autoscaling_group_name = aws_autoscaling_group.web.name
  recurrence             = "0 20 * * *"
  min_size               = 0
  max_size               = 4
  desired_capacity       = 0
}

resource "aws_autoscaling_policy" "out" {
  name                   = "out"
  autoscaling_group_name = aws_autoscaling_group.web.name
  adjustment_type        = "ChangeInCapacity"
  scaling_adjustment     = 1
  cooldown               = 60
}

resource "aws_autoscaling_policy" "steps" {
  name                      = "steps"
  autoscaling_group_name    = aws_autoscaling_group.web.name
  policy_type               = "StepScaling"
  adjustment_type           = "PercentChangeInCapacity"
  min_adjustment_magnitude  = 1
  estimated_instance_warmup = 60

  step_adjustment {
    metric_interval_lower_bound = 0
    metric_interval_upper_bound = 20
    scaling_adjustment          = 10
  }

  step_adjustment {
    metric_interval_lower_bound = 20
    scaling_adjustment          = 50
  }
}

resource "aws_autoscaling_lifecycle_hook" "end" {
  name                   = "end"
  autoscaling_group_name = aws_autoscaling_group.web.name
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_TERMINATING"
  default_result         = "CONTINUE"
  heartbeat_timeout      = 30
}

output "group" {
  value = aws_autoscaling_group.web.name
}
