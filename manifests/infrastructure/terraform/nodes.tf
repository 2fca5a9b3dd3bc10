data "openstack_images_image_v2" "node" {
  name        = var.image
  most_recent = true
}

data "openstack_compute_flavor_v2" "node" {
  name = var.flavor
}

resource "openstack_compute_keypair_v2" "admin" {
  name       = var.name
  public_key = var.public_key
}

# Not on one host, where the provider has several.
resource "openstack_compute_servergroup_v2" "nodes" {
  name     = var.name
  policies = ["soft-anti-affinity"]
}

resource "openstack_compute_instance_v2" "node" {
  for_each = var.nodes

  name      = "${var.name}-${each.key}"
  flavor_id = data.openstack_compute_flavor_v2.node.id
  key_pair  = openstack_compute_keypair_v2.admin.name
  user_data = each.key == "node1" ? templatefile("${path.module}/cloud-init/node1.yaml", {
    volume_id = openstack_blockstorage_volume_v3.data.id
  }) : file("${path.module}/cloud-init/node.yaml")

  network {
    port = openstack_networking_port_v2.node[each.key].id
  }

  scheduler_hints {
    group = openstack_compute_servergroup_v2.nodes.id
  }

  block_device {
    uuid                  = data.openstack_images_image_v2.node.id
    source_type           = "image"
    destination_type      = "local"
    boot_index            = 0
    delete_on_termination = true
  }

  # There from the first start on: attached later, cloud-init would not find it.
  dynamic "block_device" {
    for_each = each.key == "node1" ? [openstack_blockstorage_volume_v3.data.id] : []
    content {
      uuid                  = block_device.value
      source_type           = "volume"
      destination_type      = "volume"
      boot_index            = -1
      delete_on_termination = false
    }
  }

  lifecycle {
    # A newer image, or other user data, is no reason to lose a node: replace one at a time, with `-replace`.
    ignore_changes = [block_device, user_data]

    precondition {
      condition     = data.openstack_compute_flavor_v2.node.vcpus >= 4 && data.openstack_compute_flavor_v2.node.ram >= 15000 && data.openstack_compute_flavor_v2.node.disk >= 40
      error_message = "The flavor is too small: a node needs 4 processors, 16 GB of memory and 40 GB of disk."
    }
  }
}
