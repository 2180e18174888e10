# Groups that scale by themselves, with Terraform's own AWS provider.

variable "target" {
  type    = number
  default = 50
}

variable "type" {
  type    = string
  default = "t3.micro"
}

variable "weight" {
  type    = string
  default = "1"
}

resource "aws_launch_template" "web" {
  name          = "scaling"
  image_id      = "ami-009d6802948d06e52"
  instance_type = var.type
}

# Several types, and a target that its CPUs are kept at.
resource "aws_autoscaling_group" "mixed" {
  name                  = "mixed"
  availability_zones    = ["us-east-1a", "us-east-1b"]
  min_size              = 1
  max_size              = 4
  desired_capacity      = 2
  max_instance_lifetime = 604800
  metrics_granularity   = "1Minute"
  enabled_metrics       = ["GroupDesiredCapacity", "GroupInServiceInstances"]

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 1
      on_demand_percentage_above_base_capacity = 100
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.web.id
        version            = aws_launch_template.web.latest_version
      }
      override {
        instance_type     = "t3.small"
        weighted_capacity = var.weight
      }
      override {
        instance_type     = "t3.medium"
        weighted_capacity = var.weight
      }
    }
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.mixed.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
    target_value = var.target
  }
}

resource "aws_autoscaling_policy" "backlog" {
  name                      = "backlog"
  autoscaling_group_name    = aws_autoscaling_group.mixed.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = 60

  target_tracking_configuration {
    customized_metric_specification {
      metrics {
        id          = "m"
        return_data = false
        metric_stat {
          metric {
            namespace   = "Test"
            metric_name = "messages"
            dimensions {
              name  = "Queue"
              value = "q"
            }
          }
          stat = "Sum"
        }
      }
      metrics {
        id          = "e"
        expression  = "m / 2"
        label       = "backlog per instance"
        return_data = true
      }
    }
    target_value     = 10
    disable_scale_in = true
  }
}

# A warm pool; another template's version is rolled out by a refresh.
resource "aws_autoscaling_group" "warm" {
  name                    = "warm"
  availability_zones      = ["us-east-1a"]
  min_size                = 1
  max_size                = 2
  default_instance_warmup = 1
  force_delete            = true

  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }

  instance_maintenance_policy {
    min_healthy_percentage = 100
    max_healthy_percentage = 200
  }

  warm_pool {
    pool_state                  = "Stopped"
    min_size                    = 1
    max_group_prepared_capacity = 2
    instance_reuse_policy {
      reuse_on_scale_in = true
    }
  }

  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 200
      instance_warmup        = 1
      skip_matching          = true
      checkpoint_percentages = [100]
      checkpoint_delay       = 60
    }
  }
}
