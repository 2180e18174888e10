# A launch template with much of what it can say, and an instance from its latest version, for
# clients.py.

variable "type" { default = "t3.micro" }
variable "greeting" { default = "first" }
variable "team" { default = "red" }
resource "aws_security_group" "web" {
  name = "tf-launch-template"
}
resource "aws_launch_template" "web" {
  name                                 = "tf-web"
  description                          = "the ${var.greeting}"
  image_id                             = "ami-009d6802948d06e52"
  instance_type                        = var.type
  user_data                            = base64encode("#!/bin/sh\necho ${var.greeting}\n")
  instance_initiated_shutdown_behavior = "terminate"
  ebs_optimized                        = true
  update_default_version               = true
  monitoring { enabled = true }
  credit_specification { cpu_credits = "standard" }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }
  placement { availability_zone = "us-east-1b" }
  network_interfaces {
    device_index                = 0
    associate_public_ip_address = true
    delete_on_termination       = true
    security_groups             = [aws_security_group.web.id]
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 12
      volume_type = "gp3"
    }
  }
  tag_specifications {
    resource_type = "instance"
    tags          = { team = var.team }
  }
  tag_specifications {
    resource_type = "volume"
    tags          = { team = var.team }
  }
  tags = { team = var.team }
}
resource "aws_instance" "web" {
  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }
  # the provider wants all tags that the instance has, those of the template too
  tags = { Name = "tf-web", team = var.team }
  # the provider hashes its own hash again: hashicorp/terraform-provider-aws#30825
  lifecycle { ignore_changes = [user_data] }
}
data "aws_launch_template" "web" {
  name       = "tf-web"
  depends_on = [aws_launch_template.web]
}
output "id" { value = aws_launch_template.web.id }
output "instance" { value = aws_instance.web.id }
output "default" { value = aws_launch_template.web.default_version }
output "read" { value = data.aws_launch_template.web.instance_type }
