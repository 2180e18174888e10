# Keys with aliases and a grant, and what is encrypted under them, for clients.py.

variable "text" { default = "first" }
variable "rotation" { default = false }
variable "alias_of" { default = "symmetric" }
data "aws_caller_identity" "me" {}
resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}
resource "aws_kms_key" "symmetric" {
  description             = var.text
  deletion_window_in_days = 7
  enable_key_rotation     = var.rotation
  tags                    = { team = var.text }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Owner"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}
resource "aws_kms_key" "other" {
  deletion_window_in_days = 7
}
resource "aws_kms_key" "signing" {
  description              = "signs"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  multi_region             = true
  deletion_window_in_days  = 30
}
resource "aws_kms_alias" "app" {
  name          = "alias/app"
  target_key_id = var.alias_of == "symmetric" ? aws_kms_key.symmetric.key_id : aws_kms_key.other.arn
}
resource "aws_kms_alias" "prefixed" {
  name_prefix   = "alias/app-"
  target_key_id = aws_kms_key.symmetric.arn
}
resource "aws_kms_grant" "app" {
  name              = "app"
  key_id            = aws_kms_key.symmetric.key_id
  grantee_principal = aws_iam_role.app.arn
  operations        = ["Decrypt", "Encrypt", "DescribeKey"]
  constraints {
    encryption_context_equals = { department = "finance" }
  }
}
resource "aws_kms_ciphertext" "c" {
  key_id    = aws_kms_key.symmetric.key_id
  plaintext = "hidden"
  context   = { department = "finance" }
}
resource "aws_ssm_parameter" "secret" {
  name   = "/kms/secret"
  type   = "SecureString"
  key_id = aws_kms_alias.app.name
  value  = var.text
}
resource "aws_secretsmanager_secret" "s" {
  name                    = "kms/secret"
  kms_key_id              = aws_kms_key.symmetric.arn
  recovery_window_in_days = 0
}
resource "aws_secretsmanager_secret_version" "s" {
  secret_id     = aws_secretsmanager_secret.s.id
  secret_string = var.text
}
resource "aws_secretsmanager_secret_policy" "s" {
  secret_arn = aws_secretsmanager_secret.s.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.app.arn }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}
data "aws_kms_alias" "app" {
  name = aws_kms_alias.app.name
}
data "aws_kms_public_key" "signing" {
  key_id = aws_kms_key.signing.arn
}
output "alias_target" { value = data.aws_kms_alias.app.target_key_id }
output "public_key" { value = data.aws_kms_public_key.signing.public_key_pem }
