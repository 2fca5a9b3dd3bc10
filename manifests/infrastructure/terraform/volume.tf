# Claims of the cluster and images of the registry. It outlives the cluster: `terraform destroy` refuses, and docs/infrastructure.md
# has the order in which all else is taken down.
resource "openstack_blockstorage_volume_v3" "data" {
  name                 = "${var.name}-data"
  description          = "Recordings, bundles, predictions, MLflow's files and images of ${var.name}"
  size                 = var.volume_gb
  volume_type          = var.volume_type
  enable_online_resize = true

  lifecycle {
    prevent_destroy = true
  }
}
