# A layer, a URL, settings of events, reserved concurrency, a secret that rotates: for clients.py.

variable "retries" { default = 1 }
resource "aws_iam_role" "r" {
  name = "runs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}
resource "aws_lambda_layer_version" "l" {
  layer_name          = "l"
  filename            = "code.zip"
  source_code_hash    = filebase64sha256("code.zip")
  compatible_runtimes = ["python3.12"]
  license_info        = "MIT"
}
resource "aws_lambda_layer_version_permission" "p" {
  layer_name     = aws_lambda_layer_version.l.layer_name
  version_number = aws_lambda_layer_version.l.version
  statement_id   = "other"
  action         = "lambda:GetLayerVersion"
  principal      = "111111111111"
}
resource "aws_lambda_function" "f" {
  function_name                  = "f"
  role                           = aws_iam_role.r.arn
  runtime                        = "python3.12"
  handler                        = "index.handler"
  filename                       = "code.zip"
  layers                         = [aws_lambda_layer_version.l.arn]
  reserved_concurrent_executions = 5
}
resource "aws_lambda_function_url" "u" {
  function_name      = aws_lambda_function.f.function_name
  authorization_type = "NONE"
  cors {
    allow_origins = ["https://a.example"]
    max_age       = 60
  }
}
resource "aws_lambda_function_event_invoke_config" "e" {
  function_name          = aws_lambda_function.f.function_name
  maximum_retry_attempts = var.retries
}
resource "aws_lambda_permission" "s" {
  statement_id  = "secrets"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.f.function_name
  principal     = "secretsmanager.amazonaws.com"
}
resource "aws_secretsmanager_secret" "s" {
  name                    = "s"
  recovery_window_in_days = 0
}
resource "aws_secretsmanager_secret_version" "s" {
  secret_id     = aws_secretsmanager_secret.s.id
  secret_string = "first"
}
resource "aws_secretsmanager_secret_rotation" "s" {
  secret_id           = aws_secretsmanager_secret.s.id
  rotation_lambda_arn = aws_lambda_function.f.arn
  rotate_immediately  = false
  rotation_rules {
    automatically_after_days = 30
  }
  depends_on = [aws_lambda_permission.s, aws_secretsmanager_secret_version.s]
}
output "url" { value = aws_lambda_function_url.u.function_url }
