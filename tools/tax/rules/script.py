"""Rules about the script that a leaf is written in."""

from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level
from tax.rules.rule import Finding, rule
from tax.rules.walk import texts

# The most frequent characters of the Simplified script that neither the Traditional one (Big5) nor Japanese
# (JIS X 0208) has; behind each, what it is in the Traditional script.
_PAIRS = """
这這 们們 说說 对對 时時 过過 发發髮 经經 还還 进進 动動 为為
长長 问問 间間 开開 关關 见見 现現 观觀 规規 视視 觉覺 认認
识識 让讓 记記 设設 话話 语語 读讀 课課 谁誰 请請 谢謝 试試
详詳 论論 讲講 许許 证證 评評 译譯 诉訴 该該 调調 谈談 议議
计計 订訂 训訓 讨討 车車 轮輪 软軟 转轉 轻輕 较較 输輸 边邊
达達 运運 远遠 连連 选選 递遞 门門 闻聞 闭閉 阅閱 队隊 阳陽
阴陰 阶階 际際 陆陸 险險 难難 鱼魚 鸟鳥 马馬 驶駛 验驗 骑騎
龙龍 风風 飞飛 饭飯 饮飲 馆館 页頁 顶頂 项項 顺順 预預 领領
题題 颜顏 额額 钱錢 银銀 铁鐵 错錯 钟鐘 键鍵 链鏈 锁鎖 镜鏡
电電 东東 业業 丽麗 义義 乐樂 书書 买買 亚亞 产產 亿億 仅僅
伤傷 传傳 侧側 农農 减減 务務 势勢 劳勞 劝勸 华華 单單 卖賣
卫衛 厅廳 历歷曆 压壓 变變 员員 响響 园園 围圍 图圖 圆圓 场場
块塊 坚堅 处處 备備 头頭 夺奪 奖獎 妇婦 妈媽 娱娛 孙孫 实實
审審 宾賓 导導 尔爾 层層 岁歲 岛島 币幣 师師 带帶 帮幫 庆慶
库庫 应應 张張 归歸 录錄 忆憶 态態 总總 战戰 扩擴 执執 报報
护護 择擇 损損 换換 标標 树樹 样樣 桥橋 检檢 权權 毕畢 汉漢
汤湯 沟溝 测測 济濟 满滿 热熱 爱愛 环環 码碼 积積 稳穩 笔筆
签簽 简簡 类類 紧緊 级級 红紅 约約 纪紀 纯純 纸紙 线線 组組
细細 终終 结結 给給 统統 继繼 续續 维維 绿綠 罗羅 职職 联聯
肤膚 脑腦 节節 药藥 营營 补補 访訪 质質 财財 责責 败敗 货貨
费費 资資 赛賽 赵趙 趋趨 跃躍 迟遲 针針 闲閒 饿餓 齐齊
"""
TRADITIONAL = {pair[0]: " or ".join(pair[1:]) for pair in _PAIRS.split()}
_SHOWN = 5  # characters named in a message


@rule("simplified-character", Level.WARNING, older=Level.WARNING)
def traditional(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """A leaf in Traditional Chinese (zh-Hant, zh-Hant-TW, zh-Hant-HK) has no characters of the Simplified script.

    Passes:
        language: zh-Hant-TW
        seed_examples:
          - {question: 這是什麼？, answer: 這是潮汐。}

    Fails:
        language: zh-Hant-TW
        seed_examples:
          - {question: 这是什麼？, answer: 這是潮汐。}
    """
    language = leaf.data.get("language")
    if not isinstance(language, str) or not f"{language.lower()}-".startswith("zh-hant-"):
        return
    for loc, text in texts(leaf):
        found = sorted(TRADITIONAL.keys() & set(text), key=text.index)
        if found:
            named = ", ".join(f"{each} ({TRADITIONAL[each]})" for each in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            message = f"this text has Simplified characters: {named}{more}"
            yield Finding(loc, message, "write the Traditional ones, which stand in brackets")
