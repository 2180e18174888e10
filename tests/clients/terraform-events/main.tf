variable "state" { default = "ENABLED" }
variable "colour" { default = "blue" }
resource "aws_iam_role" "r" {
  name = "stops"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}
resource "aws_cloudwatch_event_bus" "b" {
  name        = "orders"
  description = "of the shop"
  tags        = { team = var.colour }
}
resource "aws_cloudwatch_event_bus_policy" "p" {
  event_bus_name = aws_cloudwatch_event_bus.b.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "other"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.b.arn
    }]
  })
}
resource "aws_cloudwatch_event_permission" "d" {
  principal    = "111122223333"
  statement_id = "DevAccount"
}
resource "aws_cloudwatch_event_rule" "stopped" {
  name           = "stopped"
  event_bus_name = aws_cloudwatch_event_bus.b.name
  description    = "instances that stop"
  event_pattern = jsonencode({
    source      = ["aws.ec2"]
    detail-type = ["EC2 Instance State-change Notification"]
    detail      = { state = ["stopped", { prefix = "term" }] }
  })
  state = var.state
  tags  = { team = var.colour }
}
resource "aws_cloudwatch_event_rule" "night" {
  name                = "night"
  schedule_expression = "cron(0 20 * * ? *)"
}
resource "aws_cloudwatch_event_target" "on" {
  rule           = aws_cloudwatch_event_rule.stopped.name
  event_bus_name = aws_cloudwatch_event_bus.b.name
  arn            = "arn:aws:lambda:us-east-1:000000000000:function:f"
  input_transformer {
    input_paths    = { instance = "$.detail.instance-id" }
    input_template = "{\"instance\": <instance>}"
  }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}
resource "aws_cloudwatch_event_target" "stop" {
  rule      = aws_cloudwatch_event_rule.night.name
  target_id = "stop"
  arn       = "arn:aws:events:us-east-1:000000000000:target/stop-instance"
  role_arn  = aws_iam_role.r.arn
  input     = jsonencode("i-0123456789abcdef0")
}
resource "aws_s3_bucket" "s" { bucket = "heard" }
resource "aws_s3_bucket_notification" "n" {
  bucket      = aws_s3_bucket.s.id
  eventbridge = true
}
output "rule" { value = aws_cloudwatch_event_rule.stopped.arn }
