//===- vulkan-run.c - Runs compute kernels on files
//------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: vulkan-run < JOBS
//
// Each line of JOBS is a dispatch:
//
//   FILE.spv ENTRY X Y Z BUFFER...
//
// of X x Y x Z workgroups, with the bytes of file BUFFER number i bound to
// binding i of descriptor set 0. A file named =BUFFER is written back. Names
// have no blanks. Exit code 77: no device that runs such kernels.
//
//===----------------------------------------------------------------------===//

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

enum { MAX_BUFFERS = 64, MAX_LINE = 65536, NO_DEVICE = 77 };

static void die(const char *what, const char *detail) {
  fprintf(stderr, "vulkan-run: error: %s%s%s\n", what, *detail ? ": " : "",
          detail);
  exit(1);
}

static void check(VkResult result, const char *what) {
  char code[32];
  snprintf(code, sizeof code, "%d", (int)result);
  if (result != VK_SUCCESS)
    die(what, code);
}

static void *readFile(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  long length;
  void *bytes;
  if (!file)
    die("expected a file to read", path);
  fseek(file, 0, SEEK_END);
  length = ftell(file);
  rewind(file);
  bytes = malloc(length > 0 ? (size_t)length : 1);
  if (!bytes || fread(bytes, 1, (size_t)length, file) != (size_t)length)
    die("expected a file to read", path);
  fclose(file);
  *size = (size_t)length;
  return bytes;
}

static VkDevice device;
static VkPhysicalDevice physical;
static VkQueue queue;
static uint32_t family;

static void createDevice(void) {
  VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                   .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo instanceInfo = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application};
  VkInstance instance;
  uint32_t count = 1, families = 16;
  if (vkCreateInstance(&instanceInfo, NULL, &instance) != VK_SUCCESS ||
      vkEnumeratePhysicalDevices(instance, &count, &physical) < 0 || !count) {
    fprintf(stderr, "vulkan-run: no Vulkan device\n");
    exit(NO_DEVICE);
  }
  VkPhysicalDeviceVulkan12Features got12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features got11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &got12};
  VkPhysicalDeviceFeatures2 got = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &got11};
  vkGetPhysicalDeviceFeatures2(physical, &got);
  if (!got.features.shaderInt64 || !got11.storageBuffer16BitAccess ||
      !got12.shaderFloat16) {
    fprintf(stderr, "vulkan-run: no device with int64 and float16\n");
    exit(NO_DEVICE);
  }
  VkQueueFamilyProperties properties[16];
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &families, properties);
  for (family = 0; family < families; ++family)
    if (properties[family].queueFlags & VK_QUEUE_COMPUTE_BIT)
      break;
  if (family == families)
    exit(NO_DEVICE);
  VkPhysicalDeviceVulkan12Features want12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .shaderFloat16 = VK_TRUE};
  VkPhysicalDeviceVulkan11Features want11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &want12,
      .storageBuffer16BitAccess = VK_TRUE};
  VkPhysicalDeviceFeatures2 want = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = &want11,
      .features = {.shaderInt64 = VK_TRUE,
                   .shaderFloat64 = got.features.shaderFloat64}};
  float priority = 1;
  VkDeviceQueueCreateInfo queueInfo = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = family,
      .queueCount = 1,
      .pQueuePriorities = &priority};
  VkDeviceCreateInfo deviceInfo = {.sType =
                                       VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                   .pNext = &want,
                                   .queueCreateInfoCount = 1,
                                   .pQueueCreateInfos = &queueInfo};
  check(vkCreateDevice(physical, &deviceInfo, NULL, &device), "device");
  vkGetDeviceQueue(device, family, 0, &queue);
}

/// Memory that the host sees and that fits `bits`.
static uint32_t findMemory(uint32_t bits) {
  VkPhysicalDeviceMemoryProperties memory;
  VkMemoryPropertyFlags flags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  uint32_t type;
  vkGetPhysicalDeviceMemoryProperties(physical, &memory);
  for (type = 0; type < memory.memoryTypeCount; ++type)
    if (bits >> type & 1 &&
        (memory.memoryTypes[type].propertyFlags & flags) == flags)
      return type;
  die("no memory that the host sees", "");
  return 0;
}

static void run(char *line) {
  char *words[5 + MAX_BUFFERS];
  uint32_t numWords = 0, numBuffers, i;
  for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
    if (numWords == 5 + MAX_BUFFERS)
      die("too many buffers", "");
    words[numWords++] = word;
  }
  if (numWords == 0)
    return;
  if (numWords < 5)
    die("expected FILE.spv ENTRY X Y Z BUFFER..., but got", words[0]);
  numBuffers = numWords - 5;

  VkBuffer buffers[MAX_BUFFERS];
  VkDeviceMemory memories[MAX_BUFFERS];
  size_t sizes[MAX_BUFFERS];
  VkDescriptorSetLayoutBinding bindings[MAX_BUFFERS] = {{0}};
  for (i = 0; i < numBuffers; ++i) {
    const char *path = words[5 + i];
    void *bytes = readFile(path + (*path == '='), &sizes[i]), *mapped;
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = sizes[i] ? sizes[i] : 4,
                               .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    check(vkCreateBuffer(device, &info, NULL, &buffers[i]), "buffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(device, buffers[i], &needs);
    VkMemoryAllocateInfo allocation = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = findMemory(needs.memoryTypeBits)};
    check(vkAllocateMemory(device, &allocation, NULL, &memories[i]), "memory");
    check(vkBindBufferMemory(device, buffers[i], memories[i], 0), "bind");
    check(vkMapMemory(device, memories[i], 0, VK_WHOLE_SIZE, 0, &mapped),
          "map");
    memcpy(mapped, bytes, sizes[i]);
    vkUnmapMemory(device, memories[i]);
    free(bytes);
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }

  size_t size;
  uint32_t *code = readFile(words[0], &size);
  VkShaderModuleCreateInfo moduleInfo = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = size,
      .pCode = code};
  VkShaderModule module;
  check(vkCreateShaderModule(device, &moduleInfo, NULL, &module), words[0]);
  free(code);

  VkDescriptorSetLayoutCreateInfo setInfo = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = numBuffers,
      .pBindings = bindings};
  VkDescriptorSetLayout setLayout;
  check(vkCreateDescriptorSetLayout(device, &setInfo, NULL, &setLayout),
        "descriptor set layout");
  VkPipelineLayoutCreateInfo layoutInfo = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &setLayout};
  VkPipelineLayout layout;
  check(vkCreatePipelineLayout(device, &layoutInfo, NULL, &layout),
        "pipeline layout");
  VkComputePipelineCreateInfo pipelineInfo = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = words[1]},
      .layout = layout};
  VkPipeline pipeline;
  check(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &pipelineInfo, NULL,
                                 &pipeline),
        words[1]);

  VkDescriptorPoolSize poolSize = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                   numBuffers ? numBuffers : 1};
  VkDescriptorPoolCreateInfo poolInfo = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = 1,
      .pPoolSizes = &poolSize};
  VkDescriptorPool pool;
  check(vkCreateDescriptorPool(device, &poolInfo, NULL, &pool), "pool");
  VkDescriptorSetAllocateInfo setAllocation = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorPool = pool,
      .descriptorSetCount = 1,
      .pSetLayouts = &setLayout};
  VkDescriptorSet set;
  check(vkAllocateDescriptorSets(device, &setAllocation, &set), "set");
  for (i = 0; i < numBuffers; ++i) {
    VkDescriptorBufferInfo buffer = {buffers[i], 0, VK_WHOLE_SIZE};
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = set,
        .dstBinding = i,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = &buffer};
    vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
  }

  VkCommandPoolCreateInfo commandPoolInfo = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = family};
  VkCommandPool commandPool;
  check(vkCreateCommandPool(device, &commandPoolInfo, NULL, &commandPool),
        "command pool");
  VkCommandBufferAllocateInfo commandInfo = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = commandPool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1};
  VkCommandBuffer commands;
  check(vkAllocateCommandBuffers(device, &commandInfo, &commands), "commands");
  VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  check(vkBeginCommandBuffer(commands, &begin), "begin");
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0,
                          1, &set, 0, NULL);
  vkCmdDispatch(commands, (uint32_t)strtoul(words[2], NULL, 10),
                (uint32_t)strtoul(words[3], NULL, 10),
                (uint32_t)strtoul(words[4], NULL, 10));
  check(vkEndCommandBuffer(commands), "end");
  VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &commands};
  check(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE), "submit");
  check(vkQueueWaitIdle(queue), "wait");

  for (i = 0; i < numBuffers; ++i) {
    const char *path = words[5 + i];
    if (*path == '=') {
      void *mapped;
      FILE *file = fopen(path + 1, "wb");
      check(vkMapMemory(device, memories[i], 0, VK_WHOLE_SIZE, 0, &mapped),
            "map");
      if (!file || fwrite(mapped, 1, sizes[i], file) != sizes[i] ||
          fclose(file))
        die("expected a file to write", path + 1);
      vkUnmapMemory(device, memories[i]);
    }
    vkDestroyBuffer(device, buffers[i], NULL);
    vkFreeMemory(device, memories[i], NULL);
  }
  vkDestroyCommandPool(device, commandPool, NULL);
  vkDestroyDescriptorPool(device, pool, NULL);
  vkDestroyPipeline(device, pipeline, NULL);
  vkDestroyPipelineLayout(device, layout, NULL);
  vkDestroyDescriptorSetLayout(device, setLayout, NULL);
  vkDestroyShaderModule(device, module, NULL);
}

int main(void) {
  static char line[MAX_LINE];
  createDevice();
  while (fgets(line, sizeof line, stdin))
    run(line);
  return 0;
}
