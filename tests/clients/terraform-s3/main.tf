# A bucket with its settings and an object, with Terraform's own AWS provider.

variable "text" {
  type    = string
  default = "first"
}

resource "aws_s3_bucket" "b" {
  bucket = "terraform-bucket"
  tags   = { team = "blue" }
}

resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "b" {
  bucket              = aws_s3_bucket.b.id
  block_public_acls   = true
  block_public_policy = true
}

resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:GetObjectTorrent"
      Resource  = "${aws_s3_bucket.b.arn}/*"
    }]
  })
}

resource "aws_s3_object" "o" {
  bucket     = aws_s3_bucket.b.id
  key        = "dir/o.txt"
  content    = var.text
  depends_on = [aws_s3_bucket_versioning.b]
}
