# Alarms of a metric, of an expression, and of other alarms, with Terraform's own AWS provider.

variable "threshold" {
  type    = number
  default = 80
}

resource "aws_cloudwatch_metric_alarm" "metric" {
  alarm_name          = "terraform-metric"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 2
  metric_name         = "CPUUtilization"
  namespace           = "AWS/EC2"
  period              = 120
  statistic           = "Average"
  threshold           = var.threshold
  alarm_description   = "This metric monitors ec2 cpu utilization"
  dimensions = {
    InstanceId = "i-06e91bf508fd3bf9f"
  }
  alarm_actions = ["arn:aws:sns:us-east-1:000000000000:topic"]
  tags = {
    Team = "blue"
  }
}

resource "aws_cloudwatch_metric_alarm" "percentile" {
  alarm_name                            = "terraform-percentile"
  comparison_operator                   = "LessThanThreshold"
  evaluation_periods                    = 3
  datapoints_to_alarm                   = 2
  metric_name                           = "Latency"
  namespace                             = "Custom"
  period                                = 60
  extended_statistic                    = "p99"
  unit                                  = "Seconds"
  threshold                             = var.threshold / 16
  treat_missing_data                    = "notBreaching"
  evaluate_low_sample_count_percentiles = "ignore"
  actions_enabled                       = false
}

resource "aws_cloudwatch_metric_alarm" "expression" {
  alarm_name          = "terraform-expression"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = var.threshold

  metric_query {
    id          = "rate"
    expression  = "errors / requests * 100"
    label       = "Error rate"
    return_data = true
  }
  metric_query {
    id = "errors"
    metric {
      metric_name = "Errors"
      namespace   = "Custom"
      period      = 60
      stat        = "Sum"
      unit        = "Count"
    }
  }
  metric_query {
    id = "requests"
    metric {
      metric_name = "Requests"
      namespace   = "Custom"
      period      = 60
      stat        = "Sum"
      dimensions = {
        Host = "a"
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "both" {
  alarm_name = "terraform-composite"
  alarm_rule = "ALARM(${aws_cloudwatch_metric_alarm.metric.alarm_name}) AND ALARM(${aws_cloudwatch_metric_alarm.expression.alarm_name})"
  tags = {
    Team = "blue"
  }
}
