# Secrets with a key, a replica, values and a policy, for clients.py.

variable "value" { default = "hunter2" }
variable "tag" { default = "blue" }
resource "aws_kms_key" "k" {
  description             = "of secrets"
  deletion_window_in_days = 7
}
resource "aws_secretsmanager_secret" "plain" {
  name                    = "app/plain"
  description             = "default key"
  recovery_window_in_days = 0
  tags                    = { team = var.tag }
}
resource "aws_secretsmanager_secret" "keyed" {
  name                    = "app/keyed"
  kms_key_id              = aws_kms_key.k.arn
  recovery_window_in_days = 7
  replica {
    region = "eu-west-1"
  }
}
resource "aws_secretsmanager_secret_version" "plain" {
  secret_id     = aws_secretsmanager_secret.plain.id
  secret_string = var.value
}
resource "aws_secretsmanager_secret_version" "keyed" {
  secret_id     = aws_secretsmanager_secret.keyed.id
  secret_binary = base64encode("bytes")
}
resource "aws_secretsmanager_secret_policy" "p" {
  secret_arn          = aws_secretsmanager_secret.plain.arn
  block_public_policy = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111111111111:root" }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}
data "aws_secretsmanager_random_password" "r" {
  password_length = 20
}
output "password_length" { # another password each time
  value     = length(data.aws_secretsmanager_random_password.r.random_password)
  sensitive = true
}
