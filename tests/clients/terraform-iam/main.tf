# Identities with Terraform's own AWS provider: everything that an instance with a role needs, and
# people.  Run by clients.py; `changed` changes what can be changed in place.

variable "changed" {
  type    = bool
  default = false
}

data "aws_caller_identity" "me" {}

# ---- people ----

resource "aws_iam_user" "alice" {
  name                 = "tf-alice"
  path                 = "/team/"
  permissions_boundary = aws_iam_policy.wide.arn
  force_destroy        = true
  tags = {
    team = var.changed ? "blue" : "red"
  }
}

resource "aws_iam_user" "bob" {
  name = "tf-bob"
}

resource "aws_iam_group" "devs" {
  name = "tf-devs"
  path = "/team/"
}

resource "aws_iam_group_membership" "devs" {
  name  = "devs"
  group = aws_iam_group.devs.name
  users = var.changed ? [aws_iam_user.alice.name] : [aws_iam_user.alice.name, aws_iam_user.bob.name]
}

resource "aws_iam_group" "ops" {
  name = "tf-ops"
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.ops.name]
}

resource "aws_iam_access_key" "alice" {
  user   = aws_iam_user.alice.name
  status = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_user_login_profile" "alice" {
  user                    = aws_iam_user.alice.name
  password_reset_required = true
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = var.changed ? 14 : 12
  require_numbers                = true
  allow_users_to_change_password = true
}

resource "aws_iam_account_alias" "alias" {
  account_alias = "tf-identities"
}

# ---- policies ----

data "aws_iam_policy_document" "wide" {
  statement {
    actions   = ["ec2:*", "iam:Get*"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read"
    actions   = var.changed ? ["ec2:DescribeInstances", "ec2:DescribeVpcs"] : ["ec2:DescribeInstances"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = ["us-east-1"]
    }
  }
}

resource "aws_iam_policy" "wide" {
  name        = "tf-wide"
  path        = "/limits/"
  description = "What nobody may pass"
  policy      = data.aws_iam_policy_document.wide.json
}

resource "aws_iam_policy" "read" {
  name   = "tf-read"
  policy = data.aws_iam_policy_document.read.json
  tags = {
    a = "1"
  }
}

resource "aws_iam_group_policy_attachment" "devs" {
  group      = aws_iam_group.devs.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_user_policy_attachment" "bob" {
  user       = aws_iam_user.bob.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_user_policy" "alice" {
  name   = "own"
  user   = aws_iam_user.alice.name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group_policy" "ops" {
  name   = "own"
  group  = aws_iam_group.ops.name
  policy = data.aws_iam_policy_document.read.json
}

# ---- an instance with a role ----

data "aws_iam_policy_document" "ec2" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "web" {
  name                 = "tf-web"
  path                 = "/service/"
  description          = var.changed ? "serves more" : "serves"
  max_session_duration = 7200
  assume_role_policy   = data.aws_iam_policy_document.ec2.json
  tags = {
    Name = "web"
  }
}

resource "aws_iam_role_policy" "web" {
  name   = "own"
  role   = aws_iam_role.web.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy_attachment" "web" {
  role       = aws_iam_role.web.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "web" {
  name = "tf-web"
  role = aws_iam_role.web.name
  tags = {
    Name = "web"
  }
}

resource "aws_instance" "web" {
  ami                  = "ami-009d6802948d06e52"
  instance_type        = "t3.micro"
  iam_instance_profile = aws_iam_instance_profile.web.name
  tags = {
    Name = "tf-web"
  }
}

# ---- who comes from elsewhere ----

resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://ci.example.com/x"
  client_id_list  = var.changed ? ["sts.amazonaws.com", "other"] : ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

data "aws_iam_policy_document" "ci" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.ci.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "ci.example.com/x:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.alice.arn, data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_iam_role" "ci" {
  name                  = "tf-ci"
  assume_role_policy    = data.aws_iam_policy_document.ci.json
  permissions_boundary  = aws_iam_policy.wide.arn
  force_detach_policies = true
}

resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "tf"
}

output "instance" {
  value = aws_instance.web.id
}

output "key" {
  value = aws_iam_access_key.alice.id
}

output "secret" {
  value     = aws_iam_access_key.alice.secret
  sensitive = true
}
