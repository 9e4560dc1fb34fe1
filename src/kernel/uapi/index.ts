/** Records and constants of bpf(2). */

export { decodeAttr, encodeAttr, HOST_ORDER } from './attr.ts';
export {
  BtfLoadAttr,
  IdAttr,
  InfoAttr,
  IterCreateAttr,
  LinkCreateAttr,
  LinkCreateIterAttr,
  LinkCreateKprobeMultiAttr,
  LinkCreateNetfilterAttr,
  LinkCreatePerfAttr,
  LinkCreateUprobeMultiAttr,
  LinkDetachAttr,
  LinkUpdateAttr,
  MapBatchAttr,
  MapCreateAttr,
  MapElemAttr,
  MapFreezeAttr,
  ObjPinAttr,
  ProgAttachAttr,
  ProgBindMapAttr,
  ProgLoadAttr,
  QueryAttr,
  RawTracepointAttr,
  StatsAttr,
  TestRunAttr,
  XdpMd,
} from './uapi.ts';
export { BtfInfo, LinkInfo, MapInfo, ProgInfo } from './uapi-info.ts';
