# A topic with a queue behind it, for clients.py.

variable "seconds" { default = 40 }
variable "colour" { default = "blue" }

resource "aws_sns_topic" "t" {
  name         = "orders"
  display_name = var.colour
  tags         = { team = var.colour }
}
resource "aws_sns_topic" "fifo" {
  name                        = "ordered.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
}
resource "aws_sqs_queue" "dead" {
  name = "dead"
}
resource "aws_sqs_queue" "q" {
  name                       = "work"
  visibility_timeout_seconds = var.seconds
  receive_wait_time_seconds  = 5
  tags                       = { team = var.colour }
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })
}
resource "aws_sqs_queue" "fifo" {
  name                        = "ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}
resource "aws_sqs_queue_policy" "p" {
  queue_url = aws_sqs_queue.q.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.q.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.t.arn } }
    }]
  })
}
resource "aws_sns_topic_subscription" "s" {
  topic_arn            = aws_sns_topic.t.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.q.arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ colour = [var.colour] })
}
resource "aws_s3_bucket" "b" {
  bucket        = "told"
  force_destroy = true
}
resource "aws_sns_topic_policy" "p" {
  arn = aws_sns_topic.t.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.t.arn
      Condition = { ArnLike = { "aws:SourceArn" = aws_s3_bucket.b.arn } }
    }]
  })
}
resource "aws_s3_bucket_notification" "n" {
  bucket = aws_s3_bucket.b.id
  topic {
    topic_arn     = aws_sns_topic.t.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "in/"
  }
  depends_on = [aws_sns_topic_policy.p]
}
