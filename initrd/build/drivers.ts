/**
 * The kernel modules of the boot image, by what they are for. To add one: its name, or its folder with
 * a slash at the end (below `lib/modules/VERSION/kernel/`). What it depends on follows, and it is loaded
 * by the modalias of what the PC has, on no other PC.
 */
export type Drivers = Readonly<Record<string, readonly string[]>>;

/** What most PCs of the last fifteen years have. */
export const usualDrivers: Drivers = {
  "network, Intel": ["e100", "e1000", "e1000e", "igb", "igbvf", "igc", "ixgbe", "ixgbevf", "i40e"],
  "network, Realtek": ["8139cp", "8139too", "r8169"],
  "network, Broadcom": ["b44", "bnx2", "bnxt_en", "tg3"],
  "network, Marvell and Aquantia": ["atlantic", "skge", "sky2"],
  "network, Atheros": ["alx", "atl1", "atl1c", "atl1e", "atl2"],
  "network, others on boards": [
    "forcedeth",
    "jme",
    "sis190",
    "sis900",
    "via-rhine",
    "via-velocity",
  ],
  "network, older cards": ["3c59x", "epic100", "ne2k-pci", "pcnet32", "tulip"],
  "network, small boards": ["dwmac-intel", "lan743x", "amd-xgbe"],
  "network, USB": [
    "aqc111",
    "asix",
    "ax88179_178a",
    "cdc_ether",
    "cdc_ncm",
    "dm9601",
    "lan78xx",
    "mcs7830",
    "r8152",
    "r8153_ecm",
    "rndis_host",
    "rtl8150",
    "smsc75xx",
    "smsc95xx",
  ],
  // Asked for by the network driver through modprobe, by the PHY's own number.
  "network, PHYs": [
    "aquantia",
    "at803x",
    "broadcom",
    "davicom",
    "dp83867",
    "icplus",
    "marvell",
    "marvell10g",
    "micrel",
    "microchip",
    "realtek",
    "smsc",
    "vitesse",
  ],
  "virtual machines": [
    "hv_netvsc",
    "hv_storvsc",
    "hv_utils",
    "hyperv-keyboard",
    "pci-hyperv",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "vmw_pvscsi",
    "vmxnet3",
    "xen-blkfront",
    "xen-netfront",
  ],
  "disks, SATA and NVMe": ["ahci", "nvme", "sd_mod", "vmd"],
  "disks, older SATA and IDE": [
    "ata_generic",
    "ata_piix",
    "pata_amd",
    "pata_atiixp",
    "pata_jmicron",
    "pata_marvell",
    "pata_sis",
    "pata_via",
    "sata_mv",
    "sata_nv",
    "sata_promise",
    "sata_sil",
    "sata_sil24",
    "sata_sis",
    "sata_uli",
    "sata_via",
  ],
  "disks, RAID and SAS controllers": [
    "aacraid",
    "hpsa",
    "isci",
    "megaraid_sas",
    "mpt3sas",
    "mptsas",
    "mptspi",
    "smartpqi",
  ],
  "disks, eMMC and UFS": ["mmc_block", "sdhci-acpi", "sdhci-pci", "ufshcd-pci"],
  // USB is there for keyboards and network adapters. usb-storage and uas are left out on purpose:
  // what is not seen cannot be overwritten.
  "USB controllers": ["ehci-pci", "ohci-pci", "uhci-hcd", "xhci-pci"],
  // What a restored system lies on, mounted to make it the PC's own; XFS and btrfs grow only so, too.
  // Their checksums come through the kernel's crypto by name; a FAT wants the tables of its names. `fuse`
  // is for NTFS.
  "file systems": [
    ...["btrfs", "ext4", "xfs", "vfat", "fuse", "crc32c_generic"],
    ...["nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8"],
  ],
  keyboards: ["hid-apple", "hid-generic", "hid-logitech-dj", "hid-logitech-hidpp", "usbhid"],
  // For the PC's key. In Debian's kernel both are built in; another kernel may have them as modules.
  "trusted platform modules": ["tpm_crb", "tpm_tis"],
  // Hours of writing at full load on a laptop: the fan and the throttling are the kernel's.
  "heat and power": ["acpi-cpufreq", "button", "fan", "processor", "thermal"],
};

/** For the hardware of the others. Whole folders, so that what a newer kernel adds is there as well. */
export const furtherDrivers: Drivers = {
  "network, cards for PCI": ["drivers/net/ethernet/"],
  "network, USB": ["drivers/net/usb/"],
  "network, Thunderbolt docks": ["thunderbolt", "thunderbolt-net"],
  "network, PHYs": ["drivers/net/phy/", "drivers/net/mdio/", "drivers/net/pcs/"],
  "disks, controllers of every kind": [
    "drivers/ata/",
    "drivers/message/fusion/",
    "drivers/scsi/",
    "drivers/ufs/",
  ],
  "USB controllers": ["drivers/usb/host/"],
  "keyboards by USB and Bluetooth dongles": ["drivers/hid/"],
  // Tablets and laptops whose keyboard hangs on an I2C or SPI bus, and Microsoft's Surface.
  "keyboards, built in": [
    "applespi",
    "drivers/pinctrl/intel/",
    "drivers/platform/surface/",
    "i2c-designware-pci",
    "i2c-hid-acpi",
    "intel-lpss-acpi",
    "intel-lpss-pci",
  ],
  // Serial ports on USB adapters and on cards, for who watches a PC without a screen.
  consoles: ["cp210x", "ftdi_sio", "pl2303", "virtio_console", "8250_exar", "8250_lpss"],
};

/**
 * Never in the image, for what is not seen cannot be overwritten: disks on USB, disks of a storage
 * network, tapes and CDs; and drivers of no hardware.
 */
export const leftOut: readonly string[] = [
  ...["uas", "usb-storage"],
  ...["be2iscsi", "bfa", "bnx2fc", "bnx2i", "csiostor", "cxgb3i", "cxgb4i", "fcoe", "fnic"],
  ...["iscsi_tcp", "libfc", "libfcoe", "libcxgbi", "libiscsi", "libiscsi_tcp", "lpfc"],
  ...["qedf", "qedi", "qla2xxx", "qla4xxx", "scsi_transport_iscsi", "snic", "tcm_qla2xxx"],
  ...["ch", "sr_mod", "st"],
  ...["hid-sensor-custom", "hid-sensor-hub", "pata_legacy", "scsi_debug", "ses"],
];

/**
 * Packages with firmware, from Debian's non-free-firmware archive, which a host need not have among
 * its sources. Of them the image holds the files that its modules name. Without them most network
 * adapters work all the same; some of Broadcom's (bnx2) and a few of Realtek's do not.
 */
export const firmwarePackages: readonly string[] = [
  "firmware-bnx2",
  "firmware-misc-nonfree",
  "firmware-realtek",
];

/**
 * Modules that nothing asks for; loaded on every PC. `loop` shows the tools a volume of LVM, for which there is no
 * device mapper: losetup takes what is in /dev, and loads nothing.
 */
export const alwaysLoaded: readonly string[] = ["efivarfs", "loop"];
